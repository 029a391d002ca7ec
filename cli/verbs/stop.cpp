#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class stop_verb : public command {
public:
  std::string name() const override {
    return "stop";
  }
  std::string summary() const override {
    return "Stop a group, or one application of it, until it is started again";
  }
  std::string details() const override {
    return "What is stopped on purpose stays stopped, whatever builds come: only `deploy start` "
           "and\n"
           "`deploy undeploy` end that. A version on its way is given up. Follows until nothing "
           "of\n"
           "it runs.\n\n"
           "Example: deploy stop shop/web\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    add_group_part_argument(verb, what_);
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c,
                     messages::stop_group{
                       {new_order_id(), what_.of.namespace_, what_.of.group, what_.application}},
                     options_);
  }

private:
  group_part what_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> stop() {
  return std::make_unique<stop_verb>();
}

} // namespace deployminator::cli::verbs
