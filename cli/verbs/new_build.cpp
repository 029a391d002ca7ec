#include "cli/build_input.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"
#include "messages/random_id.hpp"

namespace deployminator::cli::verbs {

namespace {

class new_build_verb : public command {
public:
  std::string name() const override {
    return "new-build";
  }
  std::string summary() const override {
    return "Deploy a build: the one call of a build repository";
  }
  std::string details() const override {
    return "Checks the file, sends it to the server, and follows the rollout live until the old\n"
           "instances are gone. What runs now stays untouched until the new one is ready.\n\n"
           "Example: deploy new-build deploy.yaml --build 57 --branch main --commit 1a2b3c\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    build_.declare(verb);
    verb
      .add_option("--plan-digest", build_.order.plan_digest,
                  "Only where the build still does what `deploy plan` said; its digest")
      ->type_name("HEX");
    options_.declare(verb);
  }

  exit_code run(context& c) override {
    if (!build_.read(c))
      return exit_code::usage;
    build_.order.order_id = messages::new_random_id();
    return carry_out(c, build_.order, options_);
  }

private:
  build_input build_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> new_build() {
  return std::make_unique<new_build_verb>();
}

} // namespace deployminator::cli::verbs
