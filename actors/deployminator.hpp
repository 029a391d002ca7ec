#pragma once

#include "actors/decisions/moment.hpp"
#include "actors/interfaces.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace deployminator::actors {

/// What the DEPLOYMINATOR is given.
struct deployminator_config {
  registrar_actor registrar;
  std::map<std::string, strategy_actor> strategies;
  /// The farm as the store has it.
  farm_ptr farm;
  std::function<messages::timestamp()> utc_now;
  std::function<std::uint64_t()> random;
};

/// One thing to be decided and committed. Works are decided in the order they came; those that wait
/// while a commit is under way are committed together.
struct work {
  /// First asks strategies, where it must; calls back when `decide` may be called.
  std::function<void(std::function<void()>)> prepare;
  /// What changes; may be nothing.
  std::function<messages::change()> decide;
  /// It is committed: `first_event` is the number of the event before its batch. Or it is not, and
  /// why.
  std::function<void(messages::result<std::uint64_t> first_event)> finished;
};

struct pending_order;
using pending_order_ptr = std::shared_ptr<pending_order>;

/// What the DEPLOYMINATOR remembers.
struct deployminator_state {
  static inline constexpr const char* name = "deployminator";
  deployminator_config config;
  messages::farm farm;
  /// Machines whose agents are connected, or may still come back after the server's start.
  std::set<std::string> reachable;
  std::map<std::string, machine_actor> machines;
  /// Machines whose agents have said hello and are not answered yet.
  std::multiset<std::string> joining;
  /// By group id.
  std::map<std::uint64_t, rollout_actor> rollouts;
  std::map<std::uint64_t, std::uint64_t> revisions;
  std::deque<work> queue;
  /// The orders in it, by their ids: a client sends its order again until it is answered.
  std::map<std::string, pending_order_ptr> orders_under_way;
  /// The store is being asked whether this server still reigns.
  bool asks_for_reign = false;
  /// A work is being prepared or committed.
  bool busy = false;
  /// After the start: who is connected is known, so instances can be placed.
  bool settled = false;
  /// The works that wait for that.
  std::deque<work> held_back;
};

deployminator_actor::behavior_type
deployminator(deployminator_actor::stateful_pointer<deployminator_state> self,
              deployminator_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::deployminator_config)
