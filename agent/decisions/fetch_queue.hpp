#pragma once

#include "agent/decisions/instance.hpp"
#include "agent/decisions/pace.hpp"

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
///
/// Few transfers run at once, so that each is soon done. Next is one that something critical waits
/// for, of those one from the host that the fewest run from, of those the one that waits longest. A
/// slow one gives way: it goes on, but takes no other's turn. Where so many are slow that the
/// machine is full of them, the one that drips for the longest goes back to the end of the line.
class fetch_queue {
public:
  /// At most so many transfers run at once, the slow ones not counted.
  static constexpr std::size_t most_at_once = 3;
  /// And so many with them.
  static constexpr std::size_t most_in_all = 15;

  /// What to do, in this order.
  struct step {
    std::vector<std::string> cancel;
    std::vector<download_order> start;
  };

  /// An instance wants its artifact; joins the transfer of the same key where there is one.
  step want(const spec_ptr& spec);

  /// An instance does not want anything any more. A transfer that nobody waits for is cancelled.
  step unwant(const std::string& instance);

  /// How fast a running transfer is by now.
  step set_speed(const std::string& key, transfer_speed speed);

  /// A transfer ended, well or not, or as cancelled.
  step finish(const std::string& key);

  /// Who waits for the end of the transfer of this key, in the order of their ids. One that was
  /// cancelled has nobody to tell of its end, even if its artifact is wanted again.
  [[nodiscard]] std::vector<spec_ptr> waiting_for(const std::string& key) const;

  /// The keys of those that run and were not cancelled.
  [[nodiscard]] std::vector<std::string> running() const;

  /// Who waits for a transfer that has not begun.
  [[nodiscard]] std::vector<spec_ptr> in_line() const;

  /// What those in line wait for, for people: "queued behind a.tar of builds.example, …".
  [[nodiscard]] std::string queue_text() const;

  [[nodiscard]] bool contains(const std::string& key) const {
    return transfers_.contains(key);
  }
  [[nodiscard]] bool empty() const {
    return transfers_.empty();
  }

private:
  struct transfer {
    download_order order;
    std::string host;
    spec_map waiters;
    bool running = false;
    bool cancelled = false;
    transfer_speed speed = transfer_speed::brisk;
    /// Counts the transfers that were started.
    std::uint64_t turn = 0;

    /// Something critical waits for it.
    [[nodiscard]] bool is_critical() const;
  };

  step start_next();
  void make_room(step& out);
  std::deque<std::string>::iterator next_in_line();

  std::map<std::string, transfer> transfers_;
  /// Keys of those that wait for their turn.
  std::deque<std::string> line_;
  std::size_t running_ = 0;
  std::size_t slow_ = 0;
  std::uint64_t turns_ = 0;
};

} // namespace deployminator::agent
