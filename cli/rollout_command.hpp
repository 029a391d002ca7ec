#pragma once

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/order.hpp"

namespace deployminator::cli {

/// A verb that says something to the rollout that a group is in. `Order` is a
/// `messages::about_rollout`.
template <class Order>
class rollout_command : public command {
public:
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c, Order{{messages::new_random_id(), of_.namespace_, of_.group}}, options_);
  }

private:
  group_name of_;
  order_options options_;
};

} // namespace deployminator::cli
