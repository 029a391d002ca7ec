#pragma once

#include "agent/linux/directories.hpp"
#include "agent/linux/discarded_trees.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/linux/unpacked_trees.hpp"
#include "agent/linux/watch_loop.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace deployminator::agent {

/// The directories of the instances. Below instances/ID/ are `home/` (the artifact, laid out;
/// `home.tmp/` before it is whole) and `unpacked` (the boot during which that was done: a crash of
/// the machine may have torn what was written before it). Everything on the thread of the loop.
class instance_layout {
public:
  using on_done = std::function<void(messages::result<void>)>;

  /// `unpack_program`: autodeployer-unpack. `loop` must outlive the jobs of this, and `reserved`
  /// this.
  instance_layout(watch_loop& loop, reservations& reserved, directories where,
                  const std::string& unpack_program, unpack_limits limits);

  /// The names of the directories there are, sorted. Goes on with what an earlier agent was
  /// removing.
  messages::result<std::vector<std::string>> list();

  /// Makes the instance's directory, where it is not there.
  messages::result<void> make(const std::string& id) const;

  /// Who owns what is laid out; -1: nothing is.
  [[nodiscard]] std::int64_t owner(const std::string& id) const;

  /// Whether the artifact is laid out whole, for this user, and its program was not removed since.
  [[nodiscard]] bool is_laid_out(const std::string& id, std::int64_t uid,
                                 const std::string& binary) const;

  /// Whether something was laid out, and before the machine was started last.
  [[nodiscard]] bool is_of_earlier_boot(const std::string& id) const;

  /// Lays out the artifact, which is open for reading, for this user; `done` is called now or
  /// later. Not while `is_busy`.
  void lay_out(const unpack_order& order, std::shared_ptr<owned_fd> artifact, std::int64_t uid,
               on_done done);

  /// Whether an artifact is being laid out for the instance.
  [[nodiscard]] bool is_busy(const std::string& id) const {
    return trees_.has(id);
  }

  /// Ends that; its `done` says so, now or soon.
  void cancel(const std::string& id) {
    trees_.cancel(id);
  }

  /// Throws away what was unpacked and is not needed any more; now and then.
  void keep_house() {
    trees_.keep_house(std::chrono::steady_clock::now());
  }

  /// Ends what is being laid out, without a word. Before the loop ends.
  void stop() {
    trees_.stop();
  }

  /// Throws away what was laid out in part.
  void discard_half(const std::string& id);

  /// Removes the instance's directory; `done` is called on another thread.
  void remove(const std::string& id, on_done done);

private:
  messages::result<void> make_target(const std::string& id);
  messages::result<void> give_away(const std::string& path, std::int64_t uid) const;
  bool link_program(const unpack_order& order, int artifact, std::int64_t uid);
  messages::result<void> finish(const std::string& id, const messages::result<void>& outcome);
  [[nodiscard]] std::string target(const std::string& id) const;

  directories where_;
  unpack_limits limits_;
  std::string boot_;
  bool is_root_;
  discarded_trees discarded_;
  unpacked_trees trees_;
};

} // namespace deployminator::agent
