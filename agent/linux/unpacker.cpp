#include "agent/linux/unpacker.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <utility>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

constexpr std::size_t most_at_once = 4;

/// One that is killed so often is killed by what is wrong with it, or with the machine.
constexpr int most_kills = 3;

failure cancelled() {
  return {failure_code::refused, "unpacking the artifact was cancelled", {}};
}

/// What `reap` adds to the number of a signal.
constexpr int signalled = 128;

std::string words_of(const owned_fd& pipe) {
  std::array<char, 4096> buffer;
  auto size = read(pipe.get(), buffer.data(), buffer.size());
  std::string out{buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  while (!out.empty() && out.back() == '\n')
    out.pop_back();
  return out;
}

} // namespace

unpacker::unpacker(watch_loop& loop, std::string program, unpack_limits limits)
  : loop_(loop), program_(std::move(program)), limits_(limits) {}

void unpacker::start(job j) {
  waiting_.push_back(std::move(j));
  start_more();
}

void unpacker::cancel(const std::string& key) {
  auto wanted
    = std::find_if(waiting_.begin(), waiting_.end(), [&](const job& j) { return j.key == key; });
  if (wanted != waiting_.end()) {
    auto j = std::move(*wanted);
    waiting_.erase(wanted);
    j.done(cancelled());
    return;
  }
  if (auto found = running_.find(key); found != running_.end()) {
    found->second.cancelled = true;
    send_signal(found->second.process.handle, SIGKILL);
  }
}

void unpacker::start_more() {
  while (running_.size() < most_at_once && !waiting_.empty()) {
    auto j = std::move(waiting_.front());
    waiting_.pop_front();
    auto key = j.key;
    auto begun = begin(j);
    if (!begun) {
      j.done(begun.error());
      continue;
    }
    auto& r = running_.emplace(key, std::move(*begun)).first->second;
    loop_.watch(r.process.handle.get(), [this, key] { ended(key); });
  }
}

result<unpacker::running_job> unpacker::begin(job& j) {
  // One that was killed has read some of it.
  lseek(j.artifact->get(), 0, SEEK_SET);
  if (auto prepared = j.prepare(); !prepared)
    return prepared.error();
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK))
    return file_failure("make a pipe for", program_);
  owned_fd from{ends[0]};
  owned_fd to{ends[1]};
  spawn_order order;
  order.program = program_;
  order.args = {j.target,
                std::to_string(j.uid),
                fmt::format("{}{}", j.archive ? "archive" : "any", j.runs_binary ? "" : ",data"),
                j.binary,
                std::to_string(limits_.bytes),
                std::to_string(limits_.entries),
                std::to_string(limits_.depth),
                std::to_string(limits_.ratio)};
  order.standard_input = j.artifact->get();
  order.standard_error = to.get();
  auto process = spawn(order);
  if (!process)
    return process.error();
  return running_job{std::move(j), std::move(*process), std::move(from), false};
}

void unpacker::ended(const std::string& key) {
  auto found = running_.find(key);
  if (found == running_.end() || !has_ended(found->second.process.handle))
    return;
  auto r = std::move(found->second);
  running_.erase(found);
  loop_.forget(r.process.handle.get());
  auto status = reap(r.process.handle).value_or(-1);
  if (status > signalled && !r.cancelled && ++r.what.killed < most_kills)
    waiting_.push_front(std::move(r.what));
  else
    finish(std::move(r), status);
  start_more();
}

void unpacker::finish(running_job r, int status) {
  auto words = words_of(r.words);
  if (r.cancelled)
    r.what.done(cancelled());
  else if (status == 0)
    r.what.done({});
  else if (status > signalled)
    r.what.done(
      failure{failure_code::internal,
              fmt::format("unpacking the artifact was killed {} times, by signal {} at last",
                          r.what.killed, status - signalled),
              {}});
  else if (words.empty())
    r.what.done(failure{failure_code::internal,
                        fmt::format("unpacking the artifact ended with status {}", status),
                        {}});
  else
    r.what.done(failure{failure_code::invalid, words, {}});
}

} // namespace deployminator::agent
