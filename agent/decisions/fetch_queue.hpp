#pragma once

#include "agent/decisions/instance.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What two instances must have in common to share one transfer: the hash of the artifact, else its
/// URL and the version that asks for it. `[a-z0-9-]`.
std::string fetch_key(const messages::instance_spec& spec);

/// Which artifacts are fetched, for whom, and which wait for their turn.
class fetch_queue {
public:
  /// At most so many transfers run at once.
  static constexpr std::size_t most_at_once = 3;

  /// What to do, in this order.
  struct step {
    std::vector<std::string> cancel;
    std::vector<download_order> start;
  };

  /// An instance wants its artifact; joins the transfer of the same key where there is one.
  step want(const spec_ptr& spec);

  /// An instance does not want anything any more. A transfer that nobody waits for is cancelled.
  step unwant(const std::string& instance);

  /// A transfer ended, well or not, or as cancelled.
  step finish(const std::string& key);

  /// Who waits for the artifact of this key, in the order of their ids. A transfer that was
  /// cancelled has nobody to tell of its end, even if its artifact is wanted again.
  [[nodiscard]] std::vector<spec_ptr> waiting_for(const std::string& key) const;

private:
  struct transfer {
    download_order order;
    spec_map waiters;
    bool running = false;
    bool cancelled = false;
  };

  step start_next();

  std::map<std::string, transfer> transfers_;
  /// Keys of those that wait for their turn.
  std::deque<std::string> line_;
  std::size_t running_ = 0;
};

} // namespace deployminator::agent
