#pragma once

#include "actors/interfaces.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace deployminator::actors {

/// An order on its way.
struct pending_order {
  std::string id;
  messages::caller who;
  std::uint64_t digest = 0;
  readable_order_ptr what;
  /// One for each copy of the order that came while it was under way.
  std::vector<caf::typed_response_promise<message_ptr>> answers;
};

using pending_order_ptr = std::shared_ptr<pending_order>;

/// A question what an order would do, on its way.
struct pending_question {
  messages::caller who;
  readable_order_ptr what;
  /// The number of the change that the answer begins with.
  std::uint64_t offset = 0;
  /// So often the farm has gone on while it was placed.
  int stale_plans = 0;
  caf::typed_response_promise<message_ptr> answer;
};

using pending_question_ptr = std::shared_ptr<pending_question>;

/// What ORDERS remembers.
struct orders_state {
  static inline constexpr const char* name = "orders";
  /// By their ids: a client sends its order again until it is answered.
  std::map<std::string, pending_order_ptr> under_way;
  deployminator_actor deployminator;
  planner_actor planner;
  /// Those that wait to be placed, in the order they came.
  std::deque<pending_order_ptr> waiting;
  /// One of them is being placed. The next sees what it adds.
  bool placing = false;
};

orders_actor::behavior_type orders(orders_actor::stateful_pointer<orders_state> self,
                                   deployminator_actor deployminator, planner_actor planner);

} // namespace deployminator::actors
