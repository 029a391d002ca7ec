#include "cli/machine_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class forget_verb : public machine_command<messages::forget_machine> {
public:
  std::string name() const override {
    return "forget";
  }
  std::string summary() const override {
    return "Forget a machine that is gone for good, and what was on it";
  }
  std::string details() const override {
    return "Refused while the machine is within reach. What it ran is missing from then on, and\n"
           "comes elsewhere. Should it come back all the same, it is refused, and what it runs is\n"
           "left alone until `autodeployer --leave-farm` is run there. Ends at once.\n\n"
           "Example: deploy forget web1\n\n"
           "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the server cannot be reached.";
  }

protected:
  std::string outcome() const override {
    return "is forgotten; `deploy key revoke` takes its key away";
  }
};

} // namespace

std::unique_ptr<command> forget() {
  return std::make_unique<forget_verb>();
}

} // namespace deployminator::cli::verbs
