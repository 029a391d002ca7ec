#include "agent/linux/check_runner.hpp"

#include "agent/decisions/health.hpp"
#include "agent/decisions/launch.hpp"
#include "agent/decisions/restart.hpp"
#include "agent/starter/protocol.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace deployminator::agent {

namespace {

/// A result is shorter.
constexpr std::size_t most_result = 8 << 10;
constexpr std::chrono::seconds patience{3};

std::string with_line(std::string text, std::string_view printed) {
  auto line = first_line_of(printed);
  return line.empty() ? text : text + ": " + line;
}

int number_in(std::string_view text) {
  int out = -1;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::string why_not_begun(std::string_view numbers) {
  auto space = numbers.find(' ');
  if (space == std::string_view::npos)
    return "could not be started";
  auto failed = static_cast<starter::problem>(number_in(numbers.substr(0, space)));
  auto* why = std::strerror(number_in(numbers.substr(space + 1)));
  return fmt::format("could not be started{}: {}",
                     failed == starter::problem::view ? " beside its instance" : "", why);
}

} // namespace

void check_runner::start(const std::string& name, std::chrono::milliseconds timeout,
                         const spawner& spawn, on_checked done) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC))
    return done({false, fmt::format("{} could not be started: {}", name, std::strerror(errno))});
  owned_fd result{ends[0]};
  owned_fd to{ends[1]};
  fcntl(result.get(), F_SETFL, O_NONBLOCK);
  auto process = spawn(to.get());
  if (!process)
    return done({false, process.error().message});
  auto fd = result.get();
  auto& r = runs_[fd];
  r = {name,
       timeout,
       std::chrono::steady_clock::now() + timeout + patience,
       std::move(*process),
       std::move(result),
       {},
       std::move(done)};
  loop_.watch(fd, [this, fd] { read_result(fd); });
}

void check_runner::read_result(int fd) {
  auto& r = runs_.at(fd);
  std::array<char, 4096> buffer;
  auto size = read(fd, buffer.data(), buffer.size());
  if (size < 0 && errno == EAGAIN)
    return;
  if (size <= 0)
    return finish(fd);
  if (r.text.size() < most_result)
    r.text.append(buffer.data(), static_cast<std::size_t>(size));
}

/// Its result's other end is closed, so it has ended or is about to.
void check_runner::finish(int fd) {
  loop_.forget(fd);
  auto r = std::move(runs_.extract(fd).mapped());
  send_signal(r.process.handle, SIGKILL);
  reap(r.process.handle);
  r.done(outcome_of_check(r.name, r.text, r.timeout));
}

void check_runner::keep_house() {
  std::vector<int> late;
  for (const auto& [fd, r] : runs_)
    if (std::chrono::steady_clock::now() >= r.overdue)
      late.push_back(fd);
  for (int fd : late)
    finish(fd);
}

void check_runner::stop() {
  for (auto& [fd, r] : std::exchange(runs_, {})) {
    loop_.forget(fd);
    send_signal(r.process.handle, SIGKILL);
    reap(r.process.handle);
  }
}

health_outcome outcome_of_check(const std::string& name, const std::string& written,
                                std::chrono::milliseconds timeout) {
  std::string_view text = written;
  auto end = text.find('\n');
  auto what = text.substr(0, end);
  auto printed = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  if (what.starts_with("exited ")) {
    auto exit = number_in(what.substr(7));
    return {exit == 0, with_line(fmt::format("{} {}", name, exit_text(exit)), printed)};
  }
  if (what.starts_with("failed "))
    return {false, fmt::format("{} {}", name, why_not_begun(what.substr(7)))};
  return {false,
          with_line(fmt::format("{} did not end within {}", name, length_text(timeout)), printed)};
}

} // namespace deployminator::agent
