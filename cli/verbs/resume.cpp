#include "cli/rollout_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class resume_verb : public rollout_command<messages::resume_rollout> {
public:
  std::string name() const override {
    return "resume";
  }
  std::string summary() const override {
    return "Go on with a rollout that was paused";
  }
  std::string details() const override {
    return "Follows it to its end.\n\n"
           "Example: deploy resume shop/web\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> resume() {
  return std::make_unique<resume_verb>();
}

} // namespace deployminator::cli::verbs
