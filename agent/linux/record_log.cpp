#include "agent/linux/record_log.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/sealed_text.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <tuple>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure_code;
using messages::result;

namespace {

struct change {
  instance_record record;
  bool removed = false;
  MSGPACK_DEFINE_MAP(record, removed)
};

std::string to_text(const change& c) {
  return sealed(messages::to_bytes(c));
}

struct content {
  record_log::records live;
  /// Where the last whole change ends.
  std::size_t size = 0;
};

content parse(std::string_view text) {
  content out;
  for (std::size_t at = 0; at < text.size();) {
    auto next = first_sealed(text.substr(at));
    auto c = next.empty() ? std::nullopt : messages::try_from_bytes<change>(next);
    if (!c) {
      ++at;
      continue;
    }
    at = out.size = at + seal_size + next.size();
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
  return parse(*text);
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

/// Somebody removed or shortened the file, or put another in its place.
bool record_log::is_lost() const {
  struct stat mine {};
  struct stat there {};
  return file_ && fstat(file_.get(), &mine) == 0
         && (stat(path_.c_str(), &there) || mine.st_dev != there.st_dev
             || mine.st_ino != there.st_ino || mine.st_size < static_cast<off_t>(size_));
}

result<void> record_log::append(const std::string& change) {
  if (size_ >= too_long_ || is_lost())
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
