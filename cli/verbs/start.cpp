#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class start_verb : public command {
public:
  std::string name() const override {
    return "start";
  }
  std::string summary() const override {
    return "Start what `deploy stop` has stopped";
  }
  std::string details() const override {
    return "The deployed version starts, where the strategy puts it. One instance that fails takes "
           "no\n"
           "other with it; it is tried again after a while.\n\n"
           "Example: deploy start shop/web/server\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    add_group_part_argument(verb, what_);
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c,
                     messages::start_group{
                       {new_order_id(), what_.of.namespace_, what_.of.group, what_.application}},
                     options_);
  }

private:
  group_part what_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> start() {
  return std::make_unique<start_verb>();
}

} // namespace deployminator::cli::verbs
