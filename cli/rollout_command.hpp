#pragma once

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/order.hpp"

#include <type_traits>

namespace deployminator::cli {

/// A verb that says something to the rollout that a group is in. `Order` is a
/// `messages::about_rollout`.
template <class Order>
class rollout_command : public command {
public:
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    if constexpr (has_end)
      options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c, Order{{messages::new_random_id(), of_.namespace_, of_.group}}, options_);
  }

private:
  /// What is paused has no end that could be waited for.
  static constexpr bool has_end = !std::is_same_v<Order, messages::pause_rollout>;

  group_name of_;
  order_options options_;
};

} // namespace deployminator::cli
