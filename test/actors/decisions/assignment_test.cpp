#include "actors/decisions/assignment.hpp"
#include "messages/codec.hpp"
#include "messages/digest.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

#include <map>
#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

using spec_map = std::map<std::string, instance_spec>;

/// What an agent that holds `specs` holds after the messages.
spec_map receive(spec_map specs, const std::vector<assignment>& list) {
  if (list.front().base == 0)
    specs.clear();
  for (const auto& each : list) {
    for (const auto& spec : each.put)
      specs[spec.id] = spec;
    for (const auto& id : each.removed)
      specs.erase(id);
  }
  return specs;
}

/// All that should be on w1, the long way.
spec_map all_on_w1(const farm& f) {
  spec_map out;
  for (const auto& each : assignment_since(f, "w1", 0).put)
    out[each.id] = each;
  return out;
}

std::uint64_t digest_of_all(const spec_map& specs) {
  std::vector<instance_spec> list;
  for (const auto& [id, each] : specs)
    list.push_back(each);
  return digest_of(list);
}

/// A farm whose one machine's assignment changes by chance, and an agent that follows.
struct changing_farm : small_farm {
  changing_farm() : small_farm(1) {
    deploy(web(3), 1);
  }

  spec_map held;
  std::uint64_t generation = 0;

  /// Goals change, instances come, hashes get known.
  void change_a_little() {
    edit c{state, now()};
    for (const auto& id : ids())
      if (*rc::gen::inRange(0, 3) == 0)
        c.instance(id).goal = *rc::gen::element(instance_goal::run, instance_goal::stop);
    if (*rc::gen::arbitrary<bool>()) {
      instance row;
      row.id = c.new_instance_id("web");
      row.version_id = 1;
      row.group_id = 1;
      row.application = "web";
      row.machine = "w1";
      c.put(row);
    }
    if (*rc::gen::inRange(0, 4) == 0)
      c.version(1).applications[0].sha256 += "a";
    make(std::move(c).done());
  }

  void take(const assignment_difference& difference) {
    held = receive(std::move(held), messages_for(difference));
    generation = difference.head.generation;
  }

  /// What is to stop and the agent holds no more is gone some day.
  void let_go() {
    for (const auto& id : ids())
      if (state.instances.at(id).goal == instance_goal::stop && !held.contains(id)
          && *rc::gen::arbitrary<bool>())
        state.instances.erase(id);
  }

  [[nodiscard]] assignment_difference since(std::uint64_t base) const {
    return assignment_since(state, "w1", base);
  }

  void check() const {
    RC_ASSERT(held == all_on_w1(state));
    RC_ASSERT(generation == state.machines.at("w1").generation);
    RC_ASSERT(digest_of_all(held) == assignment_head_of(state, "w1").digest);
  }
};

} // namespace

TEST_CASE("the difference since a generation makes the assignment of then into that of now") {
  CHECK(rc::check([] {
    changing_farm farm;
    for (int times = 0; times < 6; ++times) {
      for (auto n = *rc::gen::inRange(0, 3); n > 0; --n)
        farm.change_a_little();
      auto difference = farm.since(farm.generation);
      RC_ASSERT(difference.base == farm.generation);
      farm.take(difference);
      farm.check();
      farm.let_go();
    }
  }));
}

TEST_CASE("two differences in one do what they do one after the other") {
  CHECK(rc::check([] {
    changing_farm farm;
    farm.take(farm.since(0));
    farm.let_go();
    farm.change_a_little();
    auto first = farm.since(farm.generation);
    farm.change_a_little();
    auto second = farm.since(first.head.generation);
    auto both = joined(first, second);
    RC_ASSERT(both.base == first.base);
    farm.take(both);
    farm.check();
  }));
}

TEST_CASE("an assignment does not depend on the way it came about") {
  CHECK(rc::check([] {
    changing_farm farm;
    farm.change_a_little();
    farm.change_a_little();
    farm.take(farm.since(0));
    farm.check();
  }));
}

TEST_CASE("what has not changed is not sent") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(3), 1);
  auto list = farm.wanted(version);
  edit c{farm.state, farm.now()};
  c.instance(list[0].id).goal = instance_goal::run;
  c.instance(list[1].id).goal = instance_goal::stop;
  farm.make(std::move(c).done());
  auto difference = assignment_since(farm.state, "w1", 1);
  CHECK(difference.base == 1);
  CHECK(difference.head.generation == 2);
  REQUIRE(difference.put.size() == 1);
  CHECK(difference.put[0].id == list[0].id);
  CHECK(difference.removed == std::vector<std::string>{list[1].id});
}

TEST_CASE("an entry says what the agent needs to run the instance") {
  small_farm farm{1};
  auto app = small_farm::web(1);
  app.args = {"${PORT1}"};
  farm.deploy(app, 7);
  auto entry = assignment_since(farm.state, "w1", 0).put.at(0);
  CHECK(entry.namespace_ == "shop");
  CHECK(entry.group == "web");
  CHECK(entry.version == 1);
  CHECK(entry.build == 7);
  CHECK(entry.goal == instance_goal::fetch);
  CHECK(entry.revision == 1);
  CHECK(entry.app.args == app.args);
}

TEST_CASE("instances that are to stop are not assigned") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(2), 1);
  auto list = farm.wanted(version);
  farm.set_goal(list[0].id, instance_goal::stop);
  auto all = assignment_since(farm.state, "w1", 0);
  REQUIRE(all.put.size() == 1);
  CHECK(all.put[0].id == list[1].id);
  CHECK(assignment_head_of(farm.state, "w1").digest == digest_of_entry(list[1].id, 1));
}

TEST_CASE("an agent is told to have gone what it may never have heard of") {
  small_farm farm{1};
  auto version = farm.deploy(small_farm::web(1), 1);
  auto id = farm.wanted(version)[0].id;
  farm.set_goal(id, instance_goal::stop);
  for (std::uint64_t base : {0U, 1U})
    CHECK(assignment_since(farm.state, "w1", base).removed == std::vector<std::string>{id});
}

TEST_CASE("a machine without instances has the digest of nothing") {
  small_farm farm{1};
  CHECK(assignment_head_of(farm.state, "w1") == assignment_head{0, 0});
  CHECK(assignment_head_of(farm.state, "nobody") == assignment_head{0, 0});
}

TEST_CASE("a difference that is large comes in parts, which say the same of the whole") {
  CHECK(rc::check([] {
    assignment_difference difference{4, {5, 77}, {}, {}};
    for (auto n = *rc::gen::inRange(0, 8); n > 0; --n) {
      instance_spec spec;
      spec.id = fmt::format("web-{}", n);
      // Some are so large that a few fill a page.
      if (*rc::gen::arbitrary<bool>())
        spec.app.args = {std::string(400'000, 'x')};
      difference.put.push_back(spec);
      difference.removed.push_back(fmt::format("old-{}", n));
    }
    auto list = messages_for(difference);
    std::vector<instance_spec> put;
    std::vector<std::string> removed;
    for (std::size_t i = 0; i < list.size(); ++i) {
      RC_ASSERT(list[i].part == i);
      RC_ASSERT(list[i].parts == list.size());
      RC_ASSERT(list[i].base == 4);
      RC_ASSERT(list[i].generation == 5);
      RC_ASSERT(list[i].digest == 77);
      RC_ASSERT(to_bytes(list[i]).size() < page_bytes + 1000);
      put.insert(put.end(), list[i].put.begin(), list[i].put.end());
      removed.insert(removed.end(), list[i].removed.begin(), list[i].removed.end());
    }
    RC_ASSERT(put == difference.put);
    RC_ASSERT(removed == difference.removed);
  }));
}
