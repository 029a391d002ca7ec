#include "agent/linux/ambience.hpp"
#include "agent/linux/journal_directory.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

agent_record some_agent() {
  agent_record out;
  out.identity = "me";
  out.epoch = 7;
  out.generation = 9;
  deployminator::messages::instance_spec spec;
  spec.id = "web-1";
  spec.app.args = {"-port=${PORT1}"};
  out.specs = {spec, spec};
  return out;
}

instance_record some_instance(const std::string& id) {
  instance_record out;
  out.id = id;
  out.restarts = 3;
  out.exit = 137;
  return out;
}

} // namespace

TEST_CASE("an empty journal is a new agent's") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(*journal.load_agent() == agent_record{});
  CHECK(journal.load_instances()->empty());
}

TEST_CASE("what was saved is loaded by the next agent") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(journal.save_agent({}));
  CHECK(journal.save_agent(some_agent()));
  CHECK(journal.save_instance(some_instance("b")));
  CHECK(journal.save_instance(some_instance("a")));
  CHECK(journal.save_instance(some_instance("c")));
  CHECK(journal.remove_instance("c"));
  CHECK(journal.remove_instance("never"));
  journal_directory next{root.path};
  CHECK(*next.load_agent() == some_agent());
  CHECK(*next.load_instances()
        == std::vector<instance_record>{some_instance("a"), some_instance("b")});
}

TEST_CASE("a file that was being written when the agent died is not taken for a record") {
  scratch root;
  journal_directory journal{root.path};
  CHECK(journal.save_agent(some_agent()));
  write(root / "agent.tmp", "half");
  CHECK(*journal.load_agent() == some_agent());
}

TEST_CASE("damage is named, with what to do") {
  scratch root;
  journal_directory journal{root.path};
  REQUIRE(journal.save_agent(some_agent()));
  auto whole = content(root / "agent");
  for (auto damaged : {whole.substr(0, whole.size() / 2), std::string{}, std::string{"\xc1"},
                       std::string{"garbage"}}) {
    write(root / "agent", damaged);
    auto loaded = journal.load_agent();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message.find((root / "agent") + " is damaged") == 0);
    CHECK(loaded.error().hint.find("remove it") == 0);
  }
}

TEST_CASE("a journal that cannot be written says where") {
  scratch root;
  journal_directory journal{root / "missing"};
  auto saved = journal.save_agent({});
  REQUIRE_FALSE(saved);
  CHECK(saved.error().message
        == "cannot write " + (root / "missing/agent.tmp") + ": No such file or directory");
  CHECK_FALSE(journal.save_instance(some_instance("a")));
}

TEST_CASE("the machine's randomness is spread over its range") {
  auto ambient = system_ambience();
  std::set<int> tenths;
  for (int n = 0; n < 1000; ++n) {
    auto x = ambient.random();
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    tenths.insert(static_cast<int>(x * 10));
  }
  CHECK(tenths.size() == 10);
  CHECK(ambient.random() != system_ambience().random());
  CHECK(ambient.utc_now().microseconds > 1'600'000'000'000'000);
}
