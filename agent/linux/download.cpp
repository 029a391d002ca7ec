#include "agent/linux/download.hpp"

#include "agent/decisions/content_kind.hpp"
#include "agent/linux/files.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// Copied between two looks at the network.
constexpr std::size_t copied_piece = 4 * 1024 * 1024;

} // namespace

download::download(const download_config& config, artifact_cache& cache, CURLM* multi,
                   download_order order)
  : config_(config), cache_(cache), multi_(multi), order_(std::move(order)),
    shown_url_(messages::public_url(order_.url)),
    attempts_(config.backoff, config.most_wait, config.most_asked),
    file_(cache, order_.key, order_.url), meter_(config.progress_every) {
  std::transform(order_.sha256.begin(), order_.sha256.end(), order_.sha256.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
}

// -- attempts -------------------------------------------------------------------------------------

download::outcome download::turn(moment now) {
  outcome out;
  if (stage_ == stage::waiting && now >= next_attempt_)
    out = begin_attempt(now);
  else if (stage_ == stage::verifying)
    verify_piece();
  else if (stage_ == stage::rehashing)
    out = rehash_piece(now);
  else if (stage_ == stage::copying)
    out = copy_piece(now);
  bool moving = stage_ == stage::copying || stage_ == stage::transferring;
  if (!out && moving)
    if (auto told = meter_.see(now, file_.bytes(), total_))
      tell(*told);
  return out;
}

download::moment download::due(moment now) const {
  switch (stage_) {
    case stage::waiting:
      return next_attempt_;
    case stage::transferring:
      return meter_.due();
    default:
      return now;
  }
}

download::outcome download::begin_attempt(moment now) {
  if (auto known = order_.sha256.empty() ? std::nullopt : cache_.find(order_.sha256)) {
    known->cached = true;
    return result<artifact>{*std::move(known)};
  }
  if (source_ = cache_.open_doubtful(order_.sha256); source_) {
    verified_.reset();
    stage_ = stage::verifying;
    return std::nullopt;
  }
  if (auto path = local_path(order_.url); !path.empty())
    return begin_copy(path, now);
  if (!is_remote(order_.url))
    return refuse(failure_code::invalid,
                  "expected an http, https or file URL, or an absolute file name");
  return begin_remote(now);
}

/// A file in the cache that this process has not hashed itself, or that was changed since.
void download::verify_piece() {
  std::vector<char> buffer(copied_piece);
  auto size = read(source_.get(), buffer.data(), buffer.size());
  if (size > 0)
    return verified_.add(buffer.data(), static_cast<std::size_t>(size));
  if (size == 0 && verified_.hex() == order_.sha256)
    cache_.trust(order_.sha256, source_.get());
  else
    cache_.remove(order_.sha256);
  source_.reset();
  stage_ = stage::waiting;
}

void download::broken_off(const failure& why, moment now, std::chrono::seconds asked) {
  auto wait = attempts_.broken_off(file_.bytes(), asked);
  problem_ = why.message;
  if (attempts_.count() > 1)
    problem_ += fmt::format(" (tried {} times)", attempts_.count());
  if (!why.hint.empty())
    problem_ += "; " + why.hint;
  stage_ = stage::waiting;
  next_attempt_ = now + wait;
  tell({file_.bytes(), total_, 0, {}});
}

download::outcome download::complete(moment now) {
  auto hash = file_.take_hash();
  if (auto found = hash == order_.sha256 ? std::nullopt : defect()) {
    file_.discard();
    return *found;
  }
  if (!order_.sha256.empty() && hash != order_.sha256) {
    bool patched = file_.is_patched();
    file_.discard();
    auto why = refuse(failure_code::mismatch,
                      fmt::format("its SHA-256 is {}, expected {}", hash, order_.sha256));
    why.hint = "the file was replaced, or the sha256 in deploy.yaml is not this file's";
    // What was received in pieces may be the pieces of two files.
    if (!patched)
      return why;
    broken_off(why, now);
    return std::nullopt;
  }
  tell(meter_.finish(now, file_.bytes()));
  return file_.complete(hash);
}

/// What comes instead of an artifact where somebody is in the way.
std::optional<failure> download::defect() const {
  auto kind = kind_of_content(file_.head(content_head));
  if (kind == content_kind::nothing)
    return refuse(failure_code::invalid, "it is empty" + by_way_of(proxy_));
  if (kind != content_kind::page)
    return std::nullopt;
  auto out = refuse(failure_code::invalid,
                    "a page of HTML came where an archive or a program is expected, such as those "
                    "that ask for a login"
                      + by_way_of(proxy_));
  out.hint = "check downloaduser and downloadpassword, downloadtoken, or the machine's netrc";
  return out;
}

failure download::cancelled() const {
  return refuse(failure_code::refused, "it was cancelled");
}

failure download::refuse(failure_code code, const std::string& why) const {
  return cannot_fetch(shown_url_, code, why);
}

void download::tell(download_progress progress) {
  progress.problem = problem_;
  for (const auto& l : listeners)
    if (l.progress)
      l.progress(progress);
}

result<void> download::keep(const char* data, std::size_t size) {
  if (file_.bytes() + size <= config_.most_bytes)
    return file_.append(data, size);
  file_.discard();
  return refuse(failure_code::refused, fmt::format("it is larger than the {} that are allowed",
                                                   size_text(config_.most_bytes)));
}

// -- files of this machine ------------------------------------------------------------------------

download::outcome download::begin_copy(const std::string& path, moment now) {
  source_ = owned_fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (!source_ || fstat(source_.get(), &info)) {
    auto code = errno == ENOENT ? failure_code::not_found : failure_code::internal;
    return refuse(code, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode))
    return refuse(failure_code::invalid, "it is not a regular file");
  if (auto created = file_.create(); !created)
    return created.error();
  total_ = static_cast<std::uint64_t>(info.st_size);
  stage_ = stage::copying;
  meter_.jump(now, 0);
  return std::nullopt;
}

download::outcome download::copy_piece(moment now) {
  std::vector<char> buffer(copied_piece);
  auto size = read(source_.get(), buffer.data(), buffer.size());
  if (size < 0)
    return refuse(failure_code::internal, std::strerror(errno));
  if (size == 0)
    return complete(now);
  if (auto kept = keep(buffer.data(), static_cast<std::size_t>(size)); !kept)
    return kept.error();
  return std::nullopt;
}

// -- files of other machines ----------------------------------------------------------------------

download::outcome download::begin_remote(moment now) {
  auto ready = file_.resume(!order_.sha256.empty());
  if (!ready)
    return ready.error();
  if (*ready)
    begin_transfer(now);
  else
    stage_ = stage::rehashing;
  return std::nullopt;
}

download::outcome download::rehash_piece(moment now) {
  auto ready = file_.rehash();
  if (!ready)
    return ready.error();
  attempts_.begin_at(file_.bytes());
  if (*ready)
    begin_transfer(now);
  return std::nullopt;
}

void download::begin_transfer(moment now) {
  stage_ = stage::transferring;
  body_begun_ = false;
  stopped_by_.reset();
  stopped_for_now_ = false;
  meter_.jump(now, file_.bytes());
  transfer_order wanted{order_.url,   order_.user,   order_.password,
                        order_.token, file_.bytes(), file_.validator()};
  transfer_.emplace(multi_, config_, wanted,
                    [this](const char* data, std::size_t size) { return receive(data, size); });
}

/// False when what came is not wanted, which is noted.
bool download::receive(const char* data, std::size_t size) {
  if (!body_begun_ && !begin_body())
    return false;
  // More than the whole file, as the server itself has it, is none of it.
  if (total_)
    size = static_cast<std::size_t>(
      std::min<std::uint64_t>(size, *total_ - std::min(*total_, file_.bytes())));
  auto kept = keep(data, size);
  if (!kept)
    stopped_by_ = kept.error();
  return static_cast<bool>(kept);
}

/// The final answer's body begins. False when it is not wanted, which is noted.
bool download::begin_body() {
  body_begun_ = true;
  total_.reset();
  auto done = find_place();
  if (!done) {
    stopped_by_ = done.error();
    return false;
  }
  problem_.clear();
  auto length = transfer_->length();
  if (!total_ && length)
    total_ = file_.bytes() + *length;
  file_.come_from(transfer_->validator());
  if (auto room = find_room(); !room) {
    stopped_by_ = room.error();
    file_.discard();
    return false;
  }
  return true;
}

/// Does the body go on where the file ends, or start over?
result<void> download::find_place() {
  if (transfer_->status() == 206)
    return follow_range();
  return file_.bytes() > 0 ? file_.start_over() : result<void>{};
}

/// Goes on only where the answer says that it is about the file whose beginning is there. Without a
/// word about that the hash, where it is known, tells in the end.
result<void> download::follow_range() {
  auto text = transfer_->header("Content-Range");
  auto range = parse_content_range(text);
  if (!range || range->begin != file_.bytes())
    return is_another_file(fmt::format(
      "the server sent \"{:.60}\" where the bytes from {} on were asked for", text, file_.bytes()));
  bool is_proven = !file_.validator().empty() && transfer_->is_about(file_.validator());
  bool says_nothing = file_.validator().empty() || transfer_->validator().empty();
  if (!is_proven && (!says_nothing || order_.sha256.empty()))
    return is_another_file("the file was replaced while it was fetched; it begins anew");
  total_ = range->total;
  file_.go_on();
  return {};
}

/// What is there cannot be gone on with; the next attempt begins anew.
failure download::is_another_file(const std::string& why) {
  stopped_for_now_ = true;
  file_.discard();
  return refuse(failure_code::unreachable, why);
}

result<void> download::find_room() const {
  auto room = file_.room();
  if (!total_ || !room)
    return {};
  auto rest = *total_ > file_.bytes() ? *total_ - file_.bytes() : 0;
  if (*total_ > config_.most_bytes || rest <= *room)
    return {};
  auto why = refuse(failure_code::internal,
                    fmt::format("no space left on the disk of {}: {} to come, {} free",
                                file_.path(), size_text(rest), size_text(*room)));
  why.hint = "free some space there, then try again";
  return why;
}

download::outcome download::transferred(CURLcode code, moment now) {
  if (code == CURLE_OK && !body_begun_ && !begin_body())
    code = CURLE_WRITE_ERROR;
  bool is_short = code == CURLE_OK && total_ && file_.bytes() < *total_;
  if (is_short)
    code = CURLE_PARTIAL_FILE;
  proxy_ = transfer_->proxy();
  failed_transfer what{
    code,   transfer_->status(),      transfer_->words(), body_begun_, file_.bytes(), total_,
    proxy_, transfer_->proxy_status()};
  auto asked = transfer_->retry_after();
  transfer_.reset();
  if (code == CURLE_OK)
    return complete(now);
  if (stopped_by_ && !stopped_for_now_)
    return *stopped_by_;
  if (!stopped_by_ && !is_worth_retrying(what))
    return failure_of(what, shown_url_, config_);
  // The partial file is as long as the whole, or longer: of no use.
  if (what.status == 416)
    file_.discard();
  broken_off(stopped_by_ ? *stopped_by_ : failure_of(what, shown_url_, config_), now, asked);
  return std::nullopt;
}

} // namespace deployminator::agent
