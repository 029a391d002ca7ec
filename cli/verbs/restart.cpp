#include "cli/part_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class restart_verb : public part_command<messages::restart_group> {
public:
  std::string name() const override {
    return "restart";
  }
  std::string summary() const override {
    return "Replace the instances of a group, or of one application of it, by new ones";
  }
  std::string details() const override {
    return "New instances of the deployed version come on the same machines; when all of them\n"
           "are ready the old ones stop. Where one fails the new ones go and the old ones\n"
           "stay.\n\n"
           "Example: deploy restart shop/web\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> restart() {
  return std::make_unique<restart_verb>();
}

} // namespace deployminator::cli::verbs
