#include "agent/decisions/inheritance.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;

namespace {

spec_ptr order_for(const std::string& id, const std::string& binary) {
  instance_spec out;
  out.id = id;
  out.app.binary = binary;
  out.goal = instance_goal::run;
  return std::make_shared<const instance_spec>(out);
}

found_instance running(const std::string& id) {
  found_instance out;
  out.id = id;
  out.running = true;
  return out;
}

instance_record noted(const std::string& id) {
  instance_record out;
  out.id = id;
  out.restarts = 3;
  return out;
}

} // namespace

TEST_CASE("an instance is claimed once, with what was found and noted of it") {
  inheritance left{{running("a"), running("b")}, {noted("a")}, {}};
  auto wanted = order_for("a", "web");
  auto first = left.claim(wanted);
  CHECK(first.spec == wanted);
  REQUIRE(first.found);
  CHECK(first.found->running);
  REQUIRE(first.record);
  CHECK(first.record->restarts == 3);
  CHECK(left.size() == 1);
  auto again = left.claim(wanted);
  CHECK_FALSE(again.found);
  CHECK_FALSE(again.record);
}

TEST_CASE("what becomes of an instance that nobody claimed yet is what he finds who claims it") {
  auto starting = running("a");
  starting.running = false;
  starting.starting = true;
  inheritance left{{starting}, {}, {}};
  left.note({"a", process_event::kind::started, 42, {7}, {}, {}});
  SUBCASE("it runs") {
    auto found = left.claim(order_for("a", "web")).found;
    REQUIRE(found);
    CHECK(found->running);
    CHECK_FALSE(found->starting);
    CHECK(found->pid == 42);
    CHECK(found->started_at.microseconds == 7);
  }
  SUBCASE("it ran and ended") {
    left.note({"a", process_event::kind::exited, 42, {7}, 3, {}});
    left.note({"a", process_event::kind::gone, 0, {}, {}, {}});
    auto found = left.claim(order_for("a", "web")).found;
    REQUIRE(found);
    CHECK_FALSE(found->running);
    CHECK(found->exit == 3);
    CHECK_FALSE(found->died);
  }
  SUBCASE("its starter was killed, and it with that") {
    left.note({"a", process_event::kind::gone, 0, {}, {}, {}});
    CHECK(left.claim(order_for("a", "web")).found->died);
  }
}

TEST_CASE("what nobody claimed is to be gone, as its last order says where that is known") {
  inheritance left{{running("a"), running("b")}, {}, {*order_for("b", "web")}};
  auto unwanted = left.take_unwanted();
  REQUIRE(unwanted.size() == 2);
  CHECK(unwanted[0].spec->id == "a");
  CHECK(unwanted[0].spec->app.binary.empty());
  CHECK(unwanted[0].spec->goal == instance_goal::stop);
  CHECK(unwanted[0].found);
  CHECK(unwanted[1].spec->id == "b");
  CHECK(unwanted[1].spec->app.binary == "web");
  CHECK(unwanted[1].spec->goal == instance_goal::stop);
  CHECK(left.size() == 0);
  CHECK(left.take_unwanted().empty());
}

TEST_CASE("records of what is neither wanted nor on the machine are lost") {
  inheritance left{{running("b")}, {noted("a"), noted("b"), noted("c")}, {}};
  left.claim(order_for("a", "web"));
  CHECK(left.take_lost() == std::vector<std::string>{"c"});
  CHECK(left.take_lost().empty());
}

TEST_CASE("how something ended before anybody took it over is not lost") {
  inheritance left{{running("a"), running("b")}, {}, {}};
  left.note({"a", process_event::kind::exited, 1, {}, 9, {}});
  left.note({"b", process_event::kind::started, 1, {}, {}, {}});
  left.note({"c", process_event::kind::exited, 1, {}, 9, {}});
  SUBCASE("by itself") {}
  SUBCASE("and its starter after it") {
    left.note({"a", process_event::kind::gone, 0, {}, {}, {}});
  }
  auto a = left.claim(order_for("a", "web"));
  REQUIRE(a.found);
  CHECK_FALSE(a.found->running);
  CHECK(a.found->exit == 9);
  CHECK(left.claim(order_for("b", "web")).found->running);
  CHECK_FALSE(left.claim(order_for("c", "web")).found);
}
