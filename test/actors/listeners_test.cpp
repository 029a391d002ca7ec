#include "actors/decisions/turns.hpp"
#include "actors/listeners.hpp"
#include "test/actors/decisions/small_farm.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

machine_actor::behavior_type deaf_machine(machine_actor::pointer,
                                          std::vector<assignment_difference>* told) {
  return {
    [](atom::deliver, const received&) {},
    [](atom::lost, const std::string&, timestamp) {},
    [](atom::rotate, const next_server_key_ptr&) {},
    [told](atom::assign, const assignment_difference_ptr& difference) {
      told->push_back(*difference);
    },
    [](atom::question, const envelope_ptr&) -> caf::result<message_ptr> {
      return std::make_shared<const message>(log_chunk{});
    },
    [](atom::tick, atom::assign, std::uint64_t) {},
    [](atom::tick, atom::question, std::uint64_t) {},
  };
}

/// Listeners of a farm with the machine w1, and an actor in the DEPLOYMINATOR's place that speaks
/// to them when the test says so.
struct bench : test::actors_bench {
  bench() {
    subject = spawn([this](deployminator_actor::pointer self) { return speaker(self); });
    as_deployminator([this](listeners::speaker) {
      all.set_upkeep(spawn(test::fake_upkeep, &kept));
      all.add_machine("w1", spawn(deaf_machine, &told), 0);
    });
  }

  ~bench() {
    as_deployminator([this](listeners::speaker) { all = {}; });
  }

  /// Says what `f` does in the DEPLOYMINATOR's name, and lets everybody react.
  void as_deployminator(std::function<void(listeners::speaker)> f) {
    next_ = std::move(f);
    tell(subject, atom::load_v);
  }

  /// Makes the change, and has it told.
  void commit(const change& what) {
    farm.make(what);
    as_deployminator(
      [&](listeners::speaker self) { all.tell(self, farm.state, farm.present, what); });
  }

  change with_instance(const std::string& id) const {
    change out;
    out.instances = {farm.state.instances.at(id)};
    return out;
  }

  void order(std::uint64_t build) {
    auto order = small_farm::build_of({small_farm::web(1)}, build);
    auto given
      = decide(farm.state, farm.present, {},
               {order, build, {"alice"}, farm.plan_for(*needs(farm.state, order))}, farm.now(), 0);
    commit(given.what);
  }

  /// Ends the group's rollout.
  void finish(rollout_outcome outcome, bool is_upkeep) {
    change what;
    what.finished_rollouts = {{.group_id = 1, .outcome = outcome, .is_upkeep = is_upkeep}};
    commit(what);
  }

  bool rollout_thinks() {
    bool out = false;
    as_deployminator([&](listeners::speaker) { out = all.rollout_thinks(1); });
    return out;
  }

  void rollout_has_thought() {
    as_deployminator([this](listeners::speaker self) {
      all.rollout_has_thought(self, farm.state, farm.present, 1);
    });
  }

  small_farm farm{1};
  listeners all;
  std::vector<assignment_difference> told;
  test::upkeep_calls kept;
  /// How often a ROLLOUT answered news.
  int steps = 0;
  deployminator_actor subject;

private:
  deployminator_actor::behavior_type speaker(deployminator_actor::pointer self) {
    return {
      [](atom::attach, const upkeep_actor&) {},
      [](atom::attach, const doorkeeper_actor&) {},
      [](atom::view, const readable_order_ptr&) -> caf::result<plan_view_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::order, const order_call_ptr&) -> caf::result<message_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::plan, const order_call_ptr&, std::uint64_t) -> caf::result<message_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::view, std::uint64_t) -> caf::result<plan_view_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::upkeep, std::uint64_t, const plan_ptr&, const std::string&)
        -> caf::result<upkeep_outcome> { return caf::sec::unexpected_message; },
      [](atom::question, const caller&, const envelope_ptr&) -> caf::result<message_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::join, const hello_ptr&, const machine_actor&) -> caf::result<briefing_ptr> {
        return caf::sec::unexpected_message;
      },
      [](atom::lost, const std::string&, const std::string&, timestamp) {},
      [](atom::observe, const std::string&, const report_ptr&) { return true; },
      [](atom::assign, const std::string&) -> caf::result<assignment_difference_ptr> {
        return caf::sec::unexpected_message;
      },
      [this](atom::advance, std::uint64_t, const rollout_decision_ptr&) { ++steps; },
      [](atom::lead) {},
      [](atom::tick, atom::lead) {},
      [](atom::tick, const std::string&) {},
      [](atom::trouble, const std::string&, const std::string&) {},
      [this, self](atom::load) { next_(self); },
      [](atom::tick, std::uint64_t) {},
    };
  }

  std::function<void(listeners::speaker)> next_;
};

} // namespace

TEST_CASE("a machine is told once what is new for it") {
  bench b;
  b.order(1);
  REQUIRE(b.told.size() == 1);
  CHECK(b.told[0].put.size() == 1);
  b.commit(b.with_instance(b.farm.ids().at(0)));
  CHECK(b.told.size() == 1);
}

TEST_CASE("a machine that got its assignment otherwise is not told again") {
  bench b;
  b.as_deployminator([&](listeners::speaker) { b.all.machine_was_told("w1", 1); });
  b.order(1);
  CHECK(b.farm.state.machines.at("w1").generation == 1);
  CHECK(b.told.empty());
}

TEST_CASE("a machine whose agent has gone is told nothing") {
  bench b;
  b.as_deployminator([&](listeners::speaker) { b.all.drop_machine("w1"); });
  CHECK_FALSE(b.all.machine_named("w1"));
  b.order(1);
  CHECK(b.told.empty());
}

TEST_CASE("a rollout is told what is new after it has thought, and all of it at once") {
  bench b;
  b.order(1);
  REQUIRE(b.steps == 1);
  // What it decided is being stored.
  auto id = b.farm.ids().at(0);
  b.farm.obey(id);
  b.commit(b.with_instance(id));
  b.commit(b.with_instance(id));
  CHECK(b.steps == 1);
  CHECK(b.rollout_thinks());
  b.rollout_has_thought();
  CHECK(b.steps == 2);
  b.rollout_has_thought();
  CHECK(b.steps == 2);
}

TEST_CASE("a machine that comes or goes is told to the rollouts that have something on it") {
  bench b;
  b.order(1);
  b.rollout_has_thought();
  auto before = b.steps;
  b.as_deployminator([&](listeners::speaker self) {
    b.all.tell_rollouts_on(self, b.farm.state, b.farm.present, "w2");
  });
  CHECK(b.steps == before);
  b.as_deployminator([&](listeners::speaker self) {
    b.all.tell_rollouts_on(self, b.farm.state, b.farm.present, "w1");
  });
  CHECK(b.steps == before + 1);
}

TEST_CASE("a rollout that is over thinks no more, and upkeep hears of it") {
  bench b;
  b.order(1);
  REQUIRE(b.rollout_thinks());
  SUBCASE("as the end of any other") {
    b.finish(rollout_outcome::failed, false);
    CHECK(b.kept.told == std::vector<std::string>{"1 its rollout has ended"});
  }
  SUBCASE("as its own, when that succeeded") {
    b.finish(rollout_outcome::succeeded, true);
    CHECK(b.kept.told == std::vector<std::string>{"1 its rollout has ended"});
  }
  SUBCASE("as its own failure") {
    b.finish(rollout_outcome::failed, true);
    CHECK(b.kept.told == std::vector<std::string>{"1 failed"});
  }
  CHECK_FALSE(b.rollout_thinks());
}

TEST_CASE("where the move of a group ends, the next one in turn looks again") {
  bench b;
  change what;
  for (std::uint64_t id = 1; id <= most_moving_groups + 2; ++id) {
    deployminator::messages::rollout r;
    r.group_id = r.id = id;
    r.from = r.to = 1;
    r.each_alone = true;
    r.coming = r.leaving = {"i"};
    r.phase = id > most_moving_groups ? rollout_phase::fetching : rollout_phase::starting;
    what.rollouts.push_back(r);
  }
  b.commit(what);
  for (const auto& each : what.rollouts)
    b.as_deployminator([&](listeners::speaker self) {
      b.all.rollout_has_thought(self, b.farm.state, b.farm.present, each.group_id);
    });
  auto before = b.steps;
  b.finish(rollout_outcome::succeeded, false);
  CHECK(b.steps == before + 1);
}

TEST_CASE("after a failed commit everybody hears everything anew") {
  bench b;
  b.order(1);
  auto before = b.steps;
  // Stored, though it seemed to fail: told to nobody so far.
  auto second = small_farm::build_of({small_farm::web(2)}, 2);
  b.farm.give(second, 2);
  b.as_deployminator(
    [&](listeners::speaker self) { b.all.tell_all_anew(self, b.farm.state, b.farm.present); });
  CHECK(b.told.size() == 2);
  CHECK(b.steps == before + 1);
}

TEST_CASE("upkeep is asked to look at the groups that have something deployed") {
  bench b;
  b.order(1);
  auto look = [&] {
    b.as_deployminator(
      [&](listeners::speaker self) { b.all.want_upkeep(self, b.farm.state, "w1 is back"); });
  };
  look();
  CHECK(b.kept.told.empty());
  b.farm.state.groups.at(1).deployed_version = 1;
  look();
  CHECK(b.kept.told == std::vector<std::string>{"1 w1 is back"});
}
