#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace deployminator::bus {

/// How much may be handed up and not be worked through yet, so that a process that is flooded
/// stops reading instead of filling its memory: TCP then holds the senders back.
struct backlog_limits {
  std::size_t messages = 1'000;
  std::size_t bytes = 64 << 20;
};

/// Counts what a bus has handed up and nobody has worked through yet.
class backlog {
public:
  /// Goes with a message: it counts until the last copy is gone, in whatever thread.
  using ticket = std::shared_ptr<const void>;

  /// `on_room`: called when half of the limits is free again after they were reached, in the thread
  /// that let go the last ticket.
  explicit backlog(std::function<void()> on_room, const backlog_limits& limits = {});
  backlog(const backlog&) = delete;
  backlog& operator=(const backlog&) = delete;
  /// From now on `on_room` is not called; tickets may outlive this.
  ~backlog();

  /// For a message of this size.
  [[nodiscard]] ticket add(std::size_t bytes);

  /// The limits were reached, and half of them is not free yet.
  [[nodiscard]] bool is_full() const;

private:
  class count;
  std::shared_ptr<count> count_;
};

} // namespace deployminator::bus
