#include "cli/part_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class start_verb : public part_command<messages::start_group> {
public:
  std::string name() const override {
    return "start";
  }
  std::string summary() const override {
    return "Start what `deploy stop` has stopped";
  }
  std::string details() const override {
    return "The deployed version starts, where the strategy puts it. One instance that fails\n"
           "takes no other with it; it is tried again after a while.\n\n"
           "Example: deploy start shop/web/server\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> start() {
  return std::make_unique<start_verb>();
}

} // namespace deployminator::cli::verbs
