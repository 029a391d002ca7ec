#include "cli/rollout_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class abort_verb : public rollout_command<messages::abort_rollout> {
public:
  std::string name() const override {
    return "abort";
  }
  std::string summary() const override {
    return "Give a rollout up: what came goes, the old stays";
  }
  std::string details() const override {
    return "Ends the rollout that is under way, also one that is paused or waits for `promote`, "
           "as\n"
           "`reverted`; a version that is deployed already is gone back from with `deploy\n"
           "rollback`. Where none is under way, what a failed rollout left for looking at\n"
           "(`rollout: {auto_revert: false}`) goes. Follows until what came is gone, and ends\n"
           "with 0 then.\n\n"
           "Example: deploy abort shop/web\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> abort() {
  return std::make_unique<abort_verb>();
}

} // namespace deployminator::cli::verbs
