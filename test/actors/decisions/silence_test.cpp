#include "actors/decisions/join.hpp"
#include "actors/decisions/silence.hpp"
#include "actors/decisions/upkeep.hpp"
#include "test/actors/decisions/rolling_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

constexpr duration second{1'000};

application patient(std::uint32_t instances, duration replace_after) {
  auto app = small_farm::web(instances);
  app.replace_after = replace_after;
  return app;
}

/// A farm whose machines fall silent and come back.
struct silent_farm : rolling_farm {
  std::map<std::string, duration> since;
  std::set<std::string> unheard;
  silence_rules rules;
  duration at{0};

  silent_farm(int machines, const application& app) : rolling_farm(machines) {
    deploy(app, 1);
    roll_to_the_end();
  }

  void lose(const std::string& machine) {
    present.leave(machine);
    make(machine_lost(state, machine, "silence", {}, now()));
    since[machine] = at;
  }

  void come_back(const std::string& machine) {
    present.arrive(machine);
    state.machines.at(machine).lost = false;
    since.erase(machine);
  }

  [[nodiscard]] silence quiet() const {
    return silence_of(state, present, since, unheard, rules, at);
  }

  upkeep keep() {
    auto view = view_for(state, present, {}, upkeep_wishes(state, group_id), quiet());
    plan p{view.revisions, {}};
    for (const auto& w : view.wishes) {
      auto question = next_question(view, p.applications);
      auto where = question ? place_spread(*question) : result<placement>{question.error()};
      p.applications.push_back({w.namespace_, w.group, w.app, std::move(where), w.kept});
    }
    auto out = decide_upkeep(state, group_id, p, "something happened", now(), quiet());
    make(out.what);
    return out;
  }

  void keep_to_the_end() {
    keep();
    roll_within_reach();
  }

  /// Machines out of reach do nothing.
  void roll_within_reach() {
    for (int i = 0; i < 50 && is_rolling(); ++i) {
      step_after(60 * second);
      for (const auto& id : ids())
        if (present.is_connected(state.instances.at(id).machine))
          obey(id);
    }
  }

  [[nodiscard]] std::size_t count_on(const std::string& machine) const {
    return state.instances.on_machine(machine).size();
  }

  /// w1 is lost, what it ran is replaced.
  void replace() {
    lose("w1");
    at += 10 * second;
    keep_to_the_end();
    REQUIRE(state.instances.size() == 4);
  }

  [[nodiscard]] std::vector<std::string> ids_on(const std::string& machine) const {
    std::vector<std::string> out;
    for (const auto* each : state.instances.on_machine(machine))
      out.push_back(each->id);
    return out;
  }

  void was_ready_at(const std::string& machine, std::int64_t when) {
    for (const auto& id : ids_on(machine))
      change_seen(id, [&](observation& seen) { seen.ready_at = timestamp{when}; });
  }
};

} // namespace

TEST_CASE("what ran on a silent machine is placed elsewhere after replace_after, not before") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.lose("w1");
  farm.at = 9'999 * duration{1};
  CHECK(is_empty(farm.keep().what));
  farm.at = 10 * second;
  CHECK_FALSE(farm.keep().lacking);
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().coming.size() == 1);
  CHECK(farm.row().leaving.empty());
  farm.roll_within_reach();
  CHECK(farm.count_on("w1") == 1);
  CHECK(farm.count_on("w2") + farm.count_on("w3") == 3);
  // Nothing more comes, however long it lasts.
  farm.at = 1'000 * second;
  CHECK(is_empty(farm.keep().what));
}

TEST_CASE("an application may say never, and the farm's rule holds where it says nothing") {
  silent_farm farm{3, patient(3, never_replaced)};
  farm.rules.replace_after = second;
  farm.lose("w1");
  farm.at = 1'000 * second;
  CHECK(is_empty(farm.keep().what));

  silent_farm other{3, small_farm::web(3)};
  other.lose("w1");
  other.at = 1'000 * second;
  CHECK(is_empty(other.keep().what));
  other.rules.replace_after = second;
  CHECK_FALSE(is_empty(other.keep().what));
}

TEST_CASE("while more than the share is silent nothing is replaced, and it says so") {
  silent_farm farm{3, patient(3, second)};
  farm.lose("w1");
  CHECK(farm.quiet().cut_off.empty());
  farm.lose("w2");
  farm.at = 100 * second;
  CHECK(farm.quiet().cut_off
        == "2 of 3 machines are silent, more than 1/3: the server takes itself for cut off and "
           "replaces nothing");
  CHECK(is_empty(farm.keep().what));
  farm.come_back("w2");
  CHECK_FALSE(is_empty(farm.keep().what));
}

TEST_CASE("a machine that comes back with what it ran keeps it: the longest ready stay") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.replace();
  farm.was_ready_at("w1", 1);
  auto old = farm.ids_on("w1").front();
  farm.come_back("w1");
  farm.keep();
  REQUIRE(farm.is_rolling());
  CHECK(farm.row().purpose == "1 instance more than wanted is ready: something happened");
  CHECK(farm.row().coming.empty());
  REQUIRE(farm.row().leaving.size() == 1);
  CHECK(farm.row().leaving[0] != old);
  farm.roll_to_the_end();
  CHECK(farm.ready_count(1) == 3);
  CHECK(farm.state.instances.size() == 3);
}

TEST_CASE("what is not ready on the machine that is back stops, for enough others are") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.replace();
  auto old = farm.ids_on("w1").front();
  farm.change_seen(old, [](observation& seen) {
    seen.state = instance_state::starting;
    seen.ready_at = {};
  });
  farm.come_back("w1");
  farm.keep();
  CHECK(farm.row().leaving == std::vector<std::string>{old});
}

TEST_CASE("nothing stops before it is known what the machine that is back runs") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.replace();
  farm.come_back("w1");
  farm.unheard = {"w1"};
  CHECK(is_empty(farm.keep().what));
  farm.unheard.clear();
  CHECK_FALSE(is_empty(farm.keep().what));
}

TEST_CASE("where fewer than wanted are ready all stay, and it is looked at again") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.replace();
  farm.come_back("w1");
  for (const auto* machine : {"w1", "w2"})
    for (const auto& id : farm.ids_on(machine))
      farm.fail(id);
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
}

TEST_CASE("a server that was started anew counts anew, and stops no replacement meanwhile") {
  silent_farm farm{3, patient(3, 10 * second)};
  farm.replace();
  farm.since["w1"] = farm.at;
  CHECK(is_empty(farm.keep().what));
  farm.at += 10 * second;
  CHECK(is_empty(farm.keep().what));
}

TEST_CASE("what drains stays while only a silent machine makes up for it") {
  silent_farm farm{3, patient(3, never_replaced)};
  farm.lose("w1");
  farm.state.machines.at("w1").lost = true;
  auto id = farm.ids_on("w2").front();
  // As if it had been replaced before.
  auto another = farm.state.instances.at(id);
  another.id = another.seen.id = "another";
  another.machine = "w3";
  farm.state.instances.put(another);
  farm.state.machines.at("w2").draining = true;
  auto out = farm.keep();
  CHECK(is_empty(out.what));
  CHECK(out.lacking);
  farm.come_back("w1");
  farm.keep();
  CHECK(farm.row().leaving == std::vector<std::string>{id});
}

TEST_CASE("a job that is done is not run again elsewhere") {
  auto app = patient(3, second);
  app.always_on = false;
  silent_farm farm{3, app};
  for (const auto& id : farm.ids())
    farm.change_seen(id, [](observation& seen) {
      seen.state = instance_state::stopped;
      seen.exit = 0;
    });
  farm.lose("w1");
  farm.at = 100 * second;
  CHECK(is_empty(farm.keep().what));
}

TEST_CASE("the silences after which something is replaced are those of what runs there") {
  silent_farm farm{1, patient(1, 7 * second)};
  CHECK(patiences_on(farm.state, "w1", {}) == std::set<duration>{7 * second});
  CHECK(patiences_on(farm.state, "w2", {}).empty());
  silent_farm other{1, small_farm::web(1)};
  CHECK(patiences_on(other.state, "w1", {}).empty());
  silence_rules usual;
  usual.replace_after = second;
  CHECK(patiences_on(other.state, "w1", usual) == std::set<duration>{second});
}
