#include "cli/rollout_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class promote_verb : public rollout_command<messages::promote_rollout> {
public:
  std::string name() const override {
    return "promote";
  }
  std::string summary() const override {
    return "Let the rest come after the canaries of a rollout";
  }
  std::string details() const override {
    return "A rollout whose deploy.yaml has `rollout: {canary: N}` starts N instances beside the "
           "old\n"
           "ones and waits. This lets it go on, also before they are ready: then it goes on as\n"
           "soon as they are. Follows the rollout to its end.\n\n"
           "Example: deploy promote shop/web\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> promote() {
  return std::make_unique<promote_verb>();
}

} // namespace deployminator::cli::verbs
