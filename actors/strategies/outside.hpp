#pragma once

#include "actors/interfaces.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace deployminator::actors {

/// How long a strategy in another process may take for an answer; shorter than the PLANNER waits.
inline constexpr std::chrono::seconds place_deadline{3};

/// One that has not answered in time is not asked again before so much time has passed, or its
/// answer comes: else each order would wait for it.
inline constexpr std::chrono::seconds owing_wait{30};

/// What OUTSIDE STRATEGIES is given.
struct outside_strategies_config {
  gateway_actor gateway;
  deployminator_actor deployminator;
  std::uint64_t epoch = 0;
};

/// A client that offers a strategy.
struct strategy_offer {
  bus::socket_id socket = 0;
  std::string peer;
  /// Since when it has owed an answer that is too late.
  std::optional<caf::actor_clock::time_point> owes_since;
};

/// What a strategy is asked, until it answers or its time is over.
struct open_placement {
  std::string peer;
  placement_request_ptr request;
  caf::typed_response_promise<placement_ptr> answer;
};

/// What OUTSIDE STRATEGIES remembers.
struct outside_strategies_state {
  static inline constexpr const char* name = "outside_strategies";
  outside_strategies_config config;
  /// By the strategy's name.
  std::map<std::string, strategy_offer> offers;
  /// By correlation id.
  std::map<std::uint64_t, open_placement> open;
  std::uint64_t last_id = 0;
  /// What the DEPLOYMINATOR was told of strategies that fail, by name.
  std::map<std::string, std::string> failing;
};

/// A strategy that fails, in whatever way, costs its application the deadline at most: what is
/// deployed is then placed as it was, and the reason is told.
outside_strategies_actor::behavior_type
outside_strategies(outside_strategies_actor::stateful_pointer<outside_strategies_state> self,
                   outside_strategies_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::outside_strategies_config)
