#pragma once

#include "actors/decisions/rollout_change.hpp"
#include "test/actors/decisions/small_farm.hpp"

/// A small farm whose group `shop/web` is rolled out step by step.
namespace deployminator::actors {

struct rolling_farm : small_farm {
  using small_farm::small_farm;

  messages::duration time{0};
  rollout_clock clock;

  static constexpr std::uint64_t group_id = 1;

  [[nodiscard]] bool is_rolling() const {
    return state.rollouts.contains(group_id);
  }
  [[nodiscard]] const messages::rollout& row() const {
    return state.rollouts.at(group_id);
  }
  [[nodiscard]] const messages::group& group() const {
    return state.groups.at(group_id);
  }

  [[nodiscard]] rollout_view view() const {
    rollout_view out;
    apply(out, news_for(state, present, group_id, members_of(row()), true));
    return out;
  }

  rollout_decision decide_step() {
    auto seen = view();
    clock.look(seen, time);
    return next_step(seen, clock);
  }

  /// Takes the next step, if there is one.
  rollout_decision step() {
    auto decision = decide_step();
    make(carry_out(state, group_id, decision, now()));
    return decision;
  }

  rollout_decision step_after(messages::duration wait) {
    time += wait;
    return step();
  }

  /// Everybody obeys until the rollout is in this phase, or over.
  void roll_to(messages::rollout_phase phase) {
    for (int i = 0; i < 50 && is_rolling() && row().phase != phase; ++i) {
      obey_all();
      step();
    }
  }

  /// Lets everything go well until the rollout is over.
  void roll_to_the_end() {
    for (int i = 0; i < 50 && is_rolling(); ++i) {
      step();
      obey_all();
    }
  }

  /// Deploys something to roll over, as build 1.
  void deploy_first() {
    deploy(web(1), 1);
    roll_to_the_end();
  }

  [[nodiscard]] std::size_t ready_count(std::uint64_t version) const {
    auto list = wanted(version);
    return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [](const messages::instance& each) {
        return each.seen.state == messages::instance_state::ready;
      }));
  }
};

} // namespace deployminator::actors
