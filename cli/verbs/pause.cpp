#include "cli/rollout_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class pause_verb : public rollout_command<messages::pause_rollout> {
public:
  std::string name() const override {
    return "pause";
  }
  std::string summary() const override {
    return "Hold a rollout: nothing new starts, nothing old stops";
  }
  std::string details() const override {
    return "What was told to start already gets ready or fails, and machines go on fetching; one "
           "that\n"
           "fails still ends the rollout. `deploy resume` goes on, `deploy abort` gives it up, "
           "and\n"
           "a newer build takes its place. Ends at once.\n\n"
           "Example: deploy pause shop/web\n\n"
           "Exit codes: 0 paused, 1 refused, 2 wrong usage, 3 the server cannot be reached.";
  }
};

} // namespace

std::unique_ptr<command> pause() {
  return std::make_unique<pause_verb>();
}

} // namespace deployminator::cli::verbs
