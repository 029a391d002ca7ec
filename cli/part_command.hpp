#pragma once

#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/order.hpp"

namespace deployminator::cli {

/// A verb that orders something of a group or one application of it. `Order` is a
/// `messages::part_of_group`.
template <class Order>
class part_command : public command {
public:
  void declare(CLI::App& verb) override {
    add_group_part_argument(verb, what_);
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(
      c, Order{{new_random_id(), what_.of.namespace_, what_.of.group, what_.application}},
      options_);
  }

private:
  group_part what_;
  order_options options_;
};

} // namespace deployminator::cli
