#include "actors/common/log_output.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

namespace deployminator::common::log {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// How often it is looked whether a line that is held back is due.
constexpr auto between_looks = 1s;

} // namespace

log_output::log_output(int descriptor, std::function<std::string(const std::string&)> remark)
  : descriptor_(descriptor), remark_(std::move(remark)) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // A signal of the process is for who waits for it.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread{[this] { run(); }}.detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void log_output::put(const std::string& head, const std::string& text, bool merge) {
  lock held{guard_};
  if (merge && !repeated_.is_told(text, clock::now()))
    return;
  enqueue(head + text + "\n");
  changed_.notify_all();
}

bool log_output::flush(std::chrono::milliseconds longest) {
  lock held{guard_};
  take_repeated(repeated_.all());
  tell_loss();
  changed_.notify_all();
  return changed_.wait_for(held, longest, [&] { return waiting_.text.empty() && in_hand_ == 0; });
}

void log_output::run() {
  lock held{guard_};
  while (true) {
    auto is_wanted = [&] { return !waiting_.text.empty(); };
    if (repeated_.is_empty())
      changed_.wait(held, is_wanted);
    else
      changed_.wait_for(held, between_looks, is_wanted);
    take_repeated(repeated_.due(clock::now()));
    auto lines = std::exchange(waiting_, {});
    in_hand_ = lines.text.size();
    held.unlock();
    auto lost = write(lines);
    held.lock();
    in_hand_ = 0;
    // Where nothing can be written, the loss is told with the next line.
    if (lost == 0)
      tell_loss();
    dropped_ += lost;
    changed_.notify_all();
  }
}

void log_output::take_repeated(const std::vector<repeated_line>& lines) {
  for (const auto& each : lines)
    enqueue(remark_(each.text.empty() ? "level=warning event=\"log held other lines back\" lines="
                                          + std::to_string(each.count)
                                      : each.text + " repeated=" + std::to_string(each.count))
            + "\n");
}

void log_output::enqueue(const std::string& line) {
  if (waiting_.text.size() + in_hand_ + line.size() > most_waiting) {
    ++dropped_;
    return;
  }
  tell_loss();
  waiting_.text += line;
}

void log_output::tell_loss() {
  if (dropped_ == 0 || waiting_.text.size() + in_hand_ > most_waiting)
    return;
  waiting_.losses.push_back({waiting_.text.size(), dropped_});
  waiting_.text += remark_("level=warning event=\"log lost lines\" lines="
                           + std::to_string(std::exchange(dropped_, 0)))
                   + "\n";
}

std::uint64_t log_output::write(const batch& lines) const {
  std::string_view left = lines.text;
  while (!left.empty()) {
    auto n = ::write(descriptor_, left.data(), left.size());
    if (n >= 0) {
      left.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      // Whoever shares the descriptor has set it so.
      pollfd place{descriptor_, POLLOUT, 0};
      poll(&place, 1, -1);
    } else if (errno != EINTR) {
      auto lost = static_cast<std::uint64_t>(std::count(left.begin(), left.end(), '\n'));
      for (const auto& each : lines.losses)
        if (each.at >= lines.text.size() - left.size())
          lost += each.lines - 1;
      return lost;
    }
  }
  return 0;
}

} // namespace deployminator::common::log
