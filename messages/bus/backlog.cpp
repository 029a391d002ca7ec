#include "messages/bus/backlog.hpp"

#include <mutex>
#include <utility>

namespace deployminator::bus {

class backlog::count {
public:
  count(std::function<void()> on_room, const backlog_limits& limits)
    : on_room_(std::move(on_room)), limits_(limits) {}

  void add(std::size_t bytes) {
    std::lock_guard guard{mutex_};
    ++messages_;
    bytes_ += bytes;
    is_full_ = is_full_ || messages_ >= limits_.messages || bytes_ >= limits_.bytes;
  }

  void take(std::size_t bytes) {
    std::lock_guard guard{mutex_};
    --messages_;
    bytes_ -= bytes;
    if (!is_full_ || messages_ > limits_.messages / 2 || bytes_ > limits_.bytes / 2)
      return;
    is_full_ = false;
    if (on_room_)
      on_room_();
  }

  bool is_full() {
    std::lock_guard guard{mutex_};
    return is_full_;
  }

  void forget_caller() noexcept {
    std::lock_guard guard{mutex_};
    on_room_ = nullptr;
  }

private:
  std::mutex mutex_;
  std::function<void()> on_room_;
  backlog_limits limits_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  bool is_full_ = false;
};

backlog::backlog(std::function<void()> on_room, const backlog_limits& limits)
  : count_(std::make_shared<count>(std::move(on_room), limits)) {}

backlog::~backlog() {
  count_->forget_caller();
}

backlog::ticket backlog::add(std::size_t bytes) {
  count_->add(bytes);
  return {static_cast<const void*>(nullptr),
          [counted_in = count_, bytes](const void*) { counted_in->take(bytes); }};
}

bool backlog::is_full() const {
  return count_->is_full();
}

} // namespace deployminator::bus
