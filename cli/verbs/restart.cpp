#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class restart_verb : public command {
public:
  std::string name() const override {
    return "restart";
  }
  std::string summary() const override {
    return "Replace the instances of a group, or of one application of it, by new ones";
  }
  std::string details() const override {
    return "New instances of the deployed version come on the same machines; when all of them are\n"
           "ready the old ones stop. Where one fails the new ones go and the old ones stay.\n\n"
           "Example: deploy restart shop/web\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    add_group_part_argument(verb, what_);
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c,
                     messages::restart_group{
                       {new_order_id(), what_.of.namespace_, what_.of.group, what_.application}},
                     options_);
  }

private:
  group_part what_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> restart() {
  return std::make_unique<restart_verb>();
}

} // namespace deployminator::cli::verbs
