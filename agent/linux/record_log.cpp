#include "agent/linux/record_log.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/sha256.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <tuple>
#include <unistd.h>
#include <utility>

namespace deployminator::agent {

using messages::failure_code;
using messages::result;

namespace {

// A change is the length of its content (8 hex digits), the first 16 hex digits of the content's
// SHA-256, and the content.
constexpr std::size_t length_digits = 8;
constexpr std::size_t head_digits = length_digits + 16;

/// Far more than a change takes: what is longer and holds none is not a log.
constexpr std::size_t longest_change = 4096;

struct change {
  instance_record record;
  bool removed = false;
  MSGPACK_DEFINE_MAP(record, removed)
};

std::string checksum_of(std::string_view content) {
  sha256 hash;
  hash.add(content.data(), content.size());
  return hash.hex().substr(0, head_digits - length_digits);
}

std::string to_text(const change& c) {
  auto content = messages::to_bytes(c);
  return fmt::format("{:0{}x}{}{}", content.size(), length_digits, checksum_of(content), content);
}

/// The content of the first change in `text`; empty where there is none, or no whole one.
std::string_view first_content(std::string_view text) {
  std::size_t length = 0;
  if (text.size() < head_digits
      || std::from_chars(text.data(), text.data() + length_digits, length, 16).ptr
           != text.data() + length_digits
      || length > text.size() - head_digits)
    return {};
  auto content = text.substr(head_digits, length);
  bool whole = text.substr(length_digits, head_digits - length_digits) == checksum_of(content);
  return whole ? content : std::string_view{};
}

struct content {
  record_log::records live;
  /// Where the last whole change ends.
  std::size_t size = 0;
};

content parse(std::string_view text) {
  content out;
  for (std::size_t at = 0; at < text.size();) {
    auto next = first_content(text.substr(at));
    auto c = next.empty() ? std::nullopt : messages::try_from_bytes<change>(next);
    if (!c) {
      ++at;
      continue;
    }
    at = out.size = at + head_digits + next.size();
    auto id = c->record.id;
    if (c->removed)
      out.live.erase(id);
    else
      out.live[id] = std::move(c->record);
  }
  return out;
}

result<content> load(const std::string& path) {
  auto text = read_file(path);
  if (!text && text.error().code == failure_code::not_found)
    return content{};
  if (!text)
    return text.error();
  auto all = parse(*text);
  if (all.size > 0 || text->size() <= longest_change)
    return all;
  return messages::failure{
    failure_code::internal, fmt::format("{} is damaged: it holds no records of this agent", path),
    "remove it and start the agent again; the instances' counts of restarts are lost with it"};
}

} // namespace

record_log::record_log(std::string path) : path_(std::move(path)) {}

result<record_log::records> record_log::read() const {
  auto all = load(path_);
  if (!all)
    return all.error();
  return std::move(all->live);
}

result<void> record_log::save(const instance_record& record) {
  if (auto opened = open(); !opened)
    return opened;
  auto done = append(to_text({record, false}));
  if (done)
    live_[record.id] = record;
  return done;
}

result<void> record_log::remove(const std::string& id) {
  if (auto opened = open(); !opened || !live_.contains(id))
    return opened;
  instance_record last;
  last.id = id;
  auto done = append(to_text({last, true}));
  if (done)
    live_.erase(id);
  return done;
}

result<void> record_log::open() {
  if (file_)
    return {};
  auto all = load(path_);
  if (!all)
    return all.error();
  owned_fd file{::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file)
    return file_failure("write", path_);
  // What is left of half a change must not follow the next one.
  if (ftruncate(file.get(), static_cast<off_t>(all->size)))
    return file_failure("shorten", path_);
  file_ = std::move(file);
  live_ = std::move(all->live);
  size_ = all->size;
  return {};
}

result<void> record_log::append(const std::string& change) {
  if (size_ >= too_long_)
    shrink();
  if (auto opened = open(); !opened)
    return opened;
  auto written = pwrite(file_.get(), change.data(), change.size(), static_cast<off_t>(size_));
  if (written == static_cast<ssize_t>(change.size())) {
    size_ += change.size();
    return {};
  }
  if (written >= 0)
    errno = ENOSPC;
  auto why = file_failure("write", path_);
  // Where even that fails, the next change is written over it.
  std::ignore = ftruncate(file_.get(), static_cast<off_t>(size_));
  return why;
}

/// Where that cannot be done now, the file is good as it is, and only longer.
void record_log::shrink() {
  std::string text;
  for (const auto& [id, record] : live_)
    text += to_text({record, false});
  bool done = static_cast<bool>(replace_file(path_, text, true));
  too_long_ = done ? text.size() + std::max(3 * text.size(), most_waste) : size_ + most_waste;
  // Even a failure may have put another file in its place.
  file_.reset();
}

} // namespace deployminator::agent
