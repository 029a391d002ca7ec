#include "cli/outcome.hpp"

#include <algorithm>

namespace deployminator::cli {

exit_code exit_of(messages::rollout_outcome outcome) {
  return outcome == messages::rollout_outcome::succeeded ? exit_code::done : exit_code::failed;
}

exit_code worse_of(exit_code a, exit_code b) {
  return std::max(a, b);
}

} // namespace deployminator::cli
