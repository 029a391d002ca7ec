#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class rollback_verb : public command {
public:
  std::string name() const override {
    return "rollback";
  }
  std::string summary() const override {
    return "Roll back to the version that was deployed before, or to a given one";
  }
  std::string details() const override {
    return "The version that runs now goes on until the other one is ready. Follows the rollout "
           "live.\n\n"
           "Example: deploy rollback shop/web\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    add_number(verb, "--to", to_, "The version to go to, as `deploy versions` numbers them", 1)
      ->type_name("VERSION");
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    return carry_out(
      c, messages::roll_to_version{messages::new_random_id(), of_.namespace_, of_.group, to_},
      options_);
  }

private:
  group_name of_;
  std::uint64_t to_ = 0;
  order_options options_;
};

} // namespace

std::unique_ptr<command> rollback() {
  return std::make_unique<rollback_verb>();
}

} // namespace deployminator::cli::verbs
