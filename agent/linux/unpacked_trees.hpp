#pragma once

#include "agent/linux/directories.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/linux/reservations.hpp"
#include "agent/linux/unpacked_tree.hpp"
#include "agent/linux/unpacker.hpp"
#include "agent/linux/watch_loop.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace deployminator::agent {

/// Lays artifacts out for instances. What several want within a minute is unpacked once, in
/// trees/N/, and each gets a copy; what one alone wants is unpacked, and it gets that itself.
/// Everything on the thread of the loop, but the copying.
class unpacked_trees {
public:
  struct job {
    /// The instance.
    std::string id;
    /// The artifact, opened when the order came: it may leave the cache meanwhile.
    std::shared_ptr<owned_fd> artifact;
    /// Its name says that it is an archive.
    bool archive = false;
    std::string binary;
    bool runs_binary = true;
    /// Where the artifact is to be, and who is to have it.
    std::string target;
    std::int64_t uid = 0;
    /// Makes `target`, an empty directory that only the agent gets to, when it is wanted.
    std::function<messages::result<void>()> prepare;
    std::function<void(messages::result<void>)> done;
  };

  /// `discard` removes what may be large, some time.
  unpacked_trees(watch_loop& loop, reservations& reserved, directories where,
                 const std::string& unpack_program, unpack_limits limits,
                 std::function<void(const std::string&)> discard);

  /// Throws away what an earlier agent unpacked: who may have changed it is not known.
  void discard_earlier();

  void lay_out(job j);

  /// Whether there is a job for the instance.
  [[nodiscard]] bool has(const std::string& id) const {
    return cancelled_.contains(id);
  }

  /// Ends the instance's job; its `done` says so, now or soon.
  void cancel(const std::string& id);

  /// Throws away the trees that were not wanted for a minute.
  void keep_house(std::chrono::steady_clock::time_point now);

  /// Ends all jobs, without a word. Nothing is laid out after that.
  void stop();

private:
  using job_ptr = std::shared_ptr<job>;
  using flag = std::shared_ptr<std::atomic<bool>>;
  using outcome = messages::result<void>;

  /// What becomes of one artifact.
  struct source {
    /// Where it is unpacked, and as whom; none: as the agent.
    std::string directory;
    reservation user;
    bool is_cancelled = false;
    std::vector<job_ptr> waiting;
    /// Once it is unpacked.
    std::shared_ptr<unpacked_tree> tree;
    std::chrono::steady_clock::time_point used;
  };
  using source_node = std::map<std::string, source>::node_type;

  void begin(const job_ptr& j);
  void unpack(const std::string& key);
  outcome make_room(const source& s);
  void unpacked(const std::string& key, const outcome& result);
  void look_through(const std::string& key);
  void looked_through(const std::string& key,
                      messages::result<std::shared_ptr<unpacked_tree>> tree);
  void move(const job_ptr& j, std::shared_ptr<unpacked_tree> tree);
  void copy(const std::string& key, const job_ptr& j, std::shared_ptr<unpacked_tree> tree);
  void copied(const std::string& key, const job_ptr& j, const std::shared_ptr<unpacked_tree>& tree,
              const outcome& result);
  void end(const job_ptr& j, const outcome& result);
  void end_all(const std::string& key, const outcome& result);
  void work(std::function<void()> what);

  watch_loop& loop_;
  reservations& reserved_;
  directories where_;
  std::function<void(const std::string&)> discard_;
  bool is_root_;
  /// Of the next tree's directory; begins where no earlier agent's ended.
  std::int64_t next_;
  unpacker unpacker_;
  std::map<std::string, source> sources_;
  /// By instance that has a job.
  std::map<std::string, flag> cancelled_;
  /// They copy, side by side.
  std::vector<std::unique_ptr<watch_loop>> workers_;
  std::size_t next_worker_ = 0;
};

} // namespace deployminator::agent
