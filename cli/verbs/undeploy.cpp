#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class undeploy_verb : public command {
public:
  std::string name() const override {
    return "undeploy";
  }
  std::string summary() const override {
    return "Stop and remove every instance of a group";
  }
  std::string details() const override {
    return "Its versions are kept: `deploy version` brings one back. Follows until nothing of it "
           "runs.\n\n"
           "Example: deploy undeploy shop/web\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(c, messages::undeploy{messages::new_random_id(), of_.namespace_, of_.group},
                     options_);
  }

private:
  group_name of_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> undeploy() {
  return std::make_unique<undeploy_verb>();
}

} // namespace deployminator::cli::verbs
