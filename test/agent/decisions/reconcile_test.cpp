#include "agent/decisions/reconcile.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

spec_ptr shared_spec_of(const std::string& id, instance_goal goal = instance_goal::run) {
  instance_spec spec;
  spec.id = id;
  spec.goal = goal;
  return std::make_shared<const instance_spec>(spec);
}

} // namespace

TEST_CASE("instances are spawned, updated and stopped until they are as wanted") {
  spec_map wanted{{"new", shared_spec_of("new")},
                  {"same", shared_spec_of("same")},
                  {"changed", shared_spec_of("changed")},
                  {"back", shared_spec_of("back")}};
  spec_map existing{{"same", shared_spec_of("same")},
                    {"changed", shared_spec_of("changed", instance_goal::fetch)},
                    {"back", shared_spec_of("back", instance_goal::stop)},
                    {"old", shared_spec_of("old")},
                    {"going", shared_spec_of("going", instance_goal::stop)}};
  auto todo = reconcile(wanted, existing);
  REQUIRE(todo.spawn.size() == 1);
  CHECK(todo.spawn[0]->id == "new");
  REQUIRE(todo.update.size() == 1);
  CHECK(todo.update[0]->id == "changed");
  CHECK(todo.stop == std::vector<std::string>{"old"});
}

TEST_CASE("a machine begins with what is critical") {
  auto critical = *shared_spec_of("y");
  critical.app.critical = true;
  auto todo = reconcile({{"a", shared_spec_of("a")},
                         {"y", std::make_shared<const instance_spec>(critical)},
                         {"z", shared_spec_of("z")}},
                        {});
  REQUIRE(todo.spawn.size() == 3);
  CHECK(todo.spawn[0]->id == "y");
  CHECK(todo.spawn[1]->id == "a");
  CHECK(todo.spawn[2]->id == "z");
}
