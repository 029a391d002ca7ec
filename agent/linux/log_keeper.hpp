#pragma once

#include "agent/decisions/log_keeping.hpp"
#include "agent/linux/directories.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/linux/watch_loop.hpp"

namespace deployminator::agent {

/// Removes, a few times a minute and on a thread of its own, what is too much of the instances'
/// logs (decisions/log_keeping.hpp). An instance is gone when its directory is.
class log_keeper {
public:
  log_keeper(directories where, log_limits limits);

  /// Does it once, now.
  void tidy() const;

private:
  void bound_plain_files() const;

  directories where_;
  log_limits limits_;
  owned_fd timer_;
  /// Declared last: it ends first, and with it all that touches the above.
  watch_loop loop_;
};

} // namespace deployminator::agent
