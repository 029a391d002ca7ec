#include "cli/part_command.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

class stop_verb : public part_command<messages::stop_group> {
public:
  std::string name() const override {
    return "stop";
  }
  std::string summary() const override {
    return "Stop a group, or one application of it, until it is started again";
  }
  std::string details() const override {
    return "What is stopped on purpose stays stopped, whatever builds come: only `deploy start`\n"
           "and `deploy undeploy` end that. A version on its way is given up. Follows until\n"
           "nothing of it runs.\n\n"
           "Example: deploy stop shop/web\n\n"
           + order_exit_codes;
  }
};

} // namespace

std::unique_ptr<command> stop() {
  return std::make_unique<stop_verb>();
}

} // namespace deployminator::cli::verbs
