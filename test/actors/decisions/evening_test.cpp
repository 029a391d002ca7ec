#include "actors/decisions/evening.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

#include <map>
#include <rapidcheck.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// A farm of one machine with two instances that two others join.
struct uneven_farm : rolling_farm {
  explicit uneven_farm(const application& app) : rolling_farm(1) {
    deploy(app, 1);
    roll_to_the_end();
    add_machine("w2");
    add_machine("w3");
  }

  std::vector<farm_move> moves() const {
    return moves_to_even_out(state, ground_of(state, present, overcommit_percent));
  }

  decided_order even_out() {
    return give(redistribute_farm{fmt::format("even-{}", state.last_event)});
  }
};

/// Groups of any applications, put anywhere by hand, on machines of any kind.
struct crooked_farm : small_farm {
  crooked_farm() : small_farm(0) {
    overcommit_percent = *rc::gen::element<std::uint64_t>(0, 80, 100, 150);
    for (auto n = *rc::gen::inRange(1, 6); n > 0; --n) {
      auto name = fmt::format("w{}", n);
      add_machine(name, {*rc::gen::element<std::string>("worker", "db")});
      state.machines.at(name).memory_mb = *rc::gen::inRange<std::uint64_t>(0, 1000);
      state.machines.at(name).draining = *rc::gen::inRange(0, 6) == 0;
      if (*rc::gen::inRange(0, 6) == 0)
        present.leave(name);
    }
    for (auto n = *rc::gen::inRange(1, 5); n > 0; --n)
      add_group(static_cast<std::uint64_t>(n));
  }

  application any_application() const {
    auto app = web(*rc::gen::inRange<std::uint32_t>(1, 7));
    app.strategy = *rc::gen::element<std::string>("spread", "spread", "pack", "one-per-machine");
    app.max_per_machine = *rc::gen::inRange<std::uint32_t>(0, 4);
    app.limits.max_memory_mb = *rc::gen::element<std::uint64_t>(0, 50, 100, 300);
    if (*rc::gen::inRange(0, 3) == 0)
      app.machine_groups = {"db"};
    return app;
  }

  void add_group(std::uint64_t id) {
    version v;
    v.id = v.group_id = id;
    v.applications = {any_application()};
    const auto& app = v.applications.front();
    group g;
    g.id = g.deployed_version = id;
    g.namespace_ = "shop";
    g.name = fmt::format("g{}", id);
    for (auto n = *rc::gen::inRange(0, 9); n > 0; --n) {
      instance row{fmt::format("i-{}-{}", id, n),
                   id,
                   id,
                   app.name,
                   {},
                   app.limits.max_memory_mb,
                   instance_goal::run,
                   0,
                   {}};
      row.machine
        = fmt::format("w{}", *rc::gen::inRange<std::size_t>(1, state.machines.size() + 1));
      row.seen.id = row.id;
      row.seen.state = instance_state::ready;
      row.seen.ready_at = {n};
      state.instances.put(row);
    }
    state.groups[id] = g;
    state.versions[id] = v;
  }

  const application& app_of(std::uint64_t group_id) const {
    return state.versions.at(group_id).applications.front();
  }
};

/// So many of the group are on the machine, the old ones beside the new.
std::uint64_t count_on(const farm& f, std::uint64_t group_id, const std::string& machine) {
  std::uint64_t out = 0;
  for (const auto* each : f.instances.of_group(group_id))
    out += each->machine == machine ? 1 : 0;
  return out;
}

} // namespace

TEST_CASE("what crowds on one machine moves to those that joined, new first") {
  uneven_farm farm{small_farm::web(3)};
  auto moves = farm.moves();
  REQUIRE(moves.size() == 2);
  CHECK(moves[0].from == "w1");
  CHECK(moves[0].reason == "w1 has 3 of it, w2 has 0");
  auto done = farm.even_out();
  REQUIRE(done.kept.versions.size() == 1);
  CHECK(done.kept.versions[0].version == 1);
  CHECK(farm.row().leaving.size() == 2);
  CHECK(farm.row().coming.size() == 2);
  CHECK(farm.row().purpose == "the farm is evened out: 2 instances move");
  farm.roll_to(rollout_phase::starting);
  CHECK(farm.state.instances.on_machine("w1").size() == 3);
  farm.roll_to_the_end();
  for (const auto* machine : {"w1", "w2", "w3"})
    CHECK(farm.state.instances.on_machine(machine).size() == 1);
  CHECK(farm.ready_count(1) == 3);
}

TEST_CASE("a farm that was evened out stays as it is") {
  uneven_farm farm{small_farm::web(3)};
  farm.even_out();
  farm.roll_to_the_end();
  CHECK(farm.moves().empty());
  CHECK(farm.even_out().kept.versions.empty());
  CHECK_FALSE(farm.is_rolling());
}

TEST_CASE("what drains, is out of reach, or has a rollout under way takes no part") {
  uneven_farm farm{small_farm::web(3)};
  farm.state.machines.at("w2").draining = true;
  farm.present.leave("w3");
  CHECK(farm.moves().empty());
  farm.state.machines.at("w2").draining = false;
  CHECK(farm.moves().size() == 1);
  farm.deploy(small_farm::web(3), 2);
  CHECK(farm.moves().empty());
}

TEST_CASE("what is pinned, stopped, or one on each machine stays") {
  auto pinned = small_farm::web(3);
  pinned.strategy = "pinned";
  pinned.machine_groups = {"w1"};
  CHECK(uneven_farm{pinned}.moves().empty());
  auto each = small_farm::web(1);
  each.strategy = "one-per-machine";
  CHECK(uneven_farm{each}.moves().empty());
  uneven_farm farm{small_farm::web(3)};
  farm.state.groups.at(1).stopped = {"*"};
  CHECK(farm.moves().empty());
}

TEST_CASE("what is more on a machine than may be moves, also where few machines are filled") {
  uneven_farm farm{small_farm::web(3)};
  auto& app = farm.state.versions.at(1).applications.at(0);
  app.strategy = "pack";
  CHECK(farm.moves().empty());
  app.max_per_machine = 2;
  CHECK(farm.moves().size() == 1);
}

TEST_CASE("a redistribution that is aborted leaves what ran") {
  uneven_farm farm{small_farm::web(3)};
  farm.even_out();
  auto old = farm.row().leaving;
  farm.give(abort_rollout{{"stop", "shop", "web"}});
  farm.roll_to_the_end();
  for (const auto& id : old)
    CHECK(farm.state.instances.contains(id));
  CHECK(farm.ready_count(1) == 3);
}

TEST_CASE("a machine is promised no more than the operator allows, the old instances included") {
  auto app = small_farm::web(3);
  app.limits.max_memory_mb = 300;
  uneven_farm farm{app};
  farm.overcommit_percent = 100;
  farm.state.machines.at("w2").memory_mb = 200;
  auto moves = farm.moves();
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].to == "w3");
  farm.overcommit_percent = 150;
  CHECK(farm.moves().size() == 2);
  CHECK(farm.even_out().kept.versions.size() == 1);
  CHECK(farm.row().coming.size() == 2);
}

TEST_CASE("no redistribution puts anything where a build could not be placed") {
  rc::check([] {
    crooked_farm farm;
    auto before = farm.state;
    farm.give(redistribute_farm{"even"});
    std::map<std::string, std::uint64_t> came;
    for (const auto& [id, row] : farm.state.instances) {
      if (before.instances.contains(id))
        continue;
      ++came[row.machine];
      const auto& app = farm.app_of(row.group_id);
      const auto& machine = farm.state.machines.at(row.machine);
      RC_ASSERT(is_eligible(machine, app));
      RC_ASSERT(farm.present.is_connected(row.machine));
      if (app.max_per_machine > 0)
        RC_ASSERT(count_on(farm.state, row.group_id, row.machine) <= app.max_per_machine);
    }
    if (farm.overcommit_percent == 0)
      return;
    for (const auto& [name, count] : came)
      RC_ASSERT(farm.state.instances.load_of(name).memory_mb
                <= farm.state.machines.at(name).memory_mb * farm.overcommit_percent / 100);
  });
}
