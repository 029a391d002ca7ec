#include "cli/machine_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class undrain_verb : public machine_command<messages::undrain_machine> {
public:
  std::string name() const override {
    return "undrain";
  }
  std::string summary() const override {
    return "Let a machine that was drained take instances again";
  }
  std::string details() const override {
    return "What left it stays where it is; what is placed from now on may come to it, and what "
           "is\n"
           "missing comes at once. Ends at once.\n\n"
           "Example: deploy undrain web1\n\n"
           "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the server cannot be reached.";
  }

protected:
  std::string outcome() const override {
    return "takes instances again";
  }
};

} // namespace

std::unique_ptr<command> undrain() {
  return std::make_unique<undrain_verb>();
}

} // namespace deployminator::cli::verbs
