#include "agent/linux/download.hpp"

#include "agent/linux/files.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <utility>

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// Work between two looks at the network.
constexpr std::size_t piece = 4 * 1024 * 1024;
/// So often is the disk told to begin writing, so that the end has little to wait for.
constexpr std::uint64_t flush_every = 32 * 1024 * 1024;
/// An attempt that brought so much starts the count of attempts anew.
constexpr std::uint64_t worth_mentioning = 1024 * 1024;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The file an order names directly or by a file URL; empty for any other URL.
std::string local_path(const std::string& url) {
  if (url.starts_with('/'))
    return url;
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
  char* path = nullptr;
  if (!lower(url).starts_with("file://")
      || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK
      || curl_url_get(parsed.get(), CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK)
    return {};
  std::string out = path;
  curl_free(path);
  return out;
}

bool is_remote(const std::string& url) {
  auto scheme = lower(url.substr(0, 8));
  return scheme.starts_with("http://") || scheme.starts_with("https://");
}

std::string hash_of(const std::string& text) {
  sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

const char* words_for(long status) {
  switch (status) {
    case 401:
      return "401 Unauthorized";
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 408:
      return "408 Request Timeout";
    case 410:
      return "410 Gone";
    case 429:
      return "429 Too Many Requests";
    case 500:
      return "500 Internal Server Error";
    case 502:
      return "502 Bad Gateway";
    case 503:
      return "503 Service Unavailable";
    case 504:
      return "504 Gateway Timeout";
    default:
      return nullptr;
  }
}

bool is_worth_retrying(CURLcode code, long status) {
  switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
      return status >= 500 || status == 408 || status == 429 || status == 416;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_LOGIN_DENIED:
      return false;
    default:
      return true;
  }
}

} // namespace

download::download(const download_config& config, artifact_cache& cache, CURLM* multi,
                   download_order order)
  : config_(config), cache_(cache), multi_(multi), order_(std::move(order)),
    shown_url_(messages::public_url(order_.url)), meter_(config.progress_every) {
  order_.sha256 = lower(order_.sha256);
}

download::~download() {
  end_transfer();
}

// -- attempts -------------------------------------------------------------------------------------

download::outcome download::turn(moment now) {
  outcome out;
  if (stage_ == stage::waiting && now >= next_attempt_)
    out = begin_attempt(now);
  else if (stage_ == stage::rehashing)
    out = rehash_piece(now);
  else if (stage_ == stage::copying)
    out = copy_piece(now);
  bool moving = stage_ == stage::copying || stage_ == stage::transferring;
  if (!out && moving)
    if (auto told = meter_.see(now, bytes_, total_))
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
  if (auto cached = order_.sha256.empty() ? std::nullopt : cache_.find(order_.sha256))
    return result<artifact>{*cached};
  if (auto path = local_path(order_.url); !path.empty())
    return begin_copy(path, now);
  if (!is_remote(order_.url))
    return fail(cannot_fetch(failure_code::invalid,
                             "expected an http, https or file URL, or an absolute file name"));
  return begin_remote(now);
}

download::outcome download::broken_off(failure why, moment now) {
  if (bytes_ >= farthest_ + worth_mentioning) {
    farthest_ = bytes_;
    attempts_ = 0;
  }
  if (++attempts_ >= config_.attempts) {
    why.message += fmt::format(" (tried {} times)", attempts_);
    return fail(std::move(why));
  }
  stage_ = stage::waiting;
  next_attempt_ = now + config_.backoff * (1 << std::min(attempts_ - 1, 10));
  return std::nullopt;
}

download::outcome download::fail(failure why) {
  return result<artifact>{std::move(why)};
}

download::outcome download::complete(moment now) {
  auto hash = digest_.hex();
  // A digest that was read takes no more.
  digest_.reset();
  if (!order_.sha256.empty() && hash != order_.sha256) {
    bool patched = resumed_;
    cache_.remove_partial(order_.key);
    file_.reset();
    auto why = cannot_fetch(failure_code::mismatch,
                            fmt::format("its SHA-256 is {}, expected {}", hash, order_.sha256));
    why.hint = "the file was replaced, or the sha256 in deploy.yaml is not this file's";
    resumed_ = false;
    // What was received in pieces may be the pieces of two files.
    return patched ? broken_off(std::move(why), now) : fail(std::move(why));
  }
  tell(meter_.finish(now, bytes_));
  auto done = cache_.complete(order_.key, file_.get(), hash);
  // A file that is open for writing cannot be executed.
  file_.reset();
  return done;
}

failure download::cancelled() const {
  return cannot_fetch(failure_code::refused, "it was cancelled");
}

// -- the file -------------------------------------------------------------------------------------

/// Writes and hashes what came; false when that cannot be done, which is noted.
bool download::keep(const char* data, std::size_t size) {
  if (bytes_ + size > config_.most_bytes) {
    stopped_by_
      = cannot_fetch(failure_code::refused, fmt::format("it is larger than the {} that are allowed",
                                                        size_text(config_.most_bytes)));
    cache_.remove_partial(order_.key);
    return false;
  }
  for (std::size_t done = 0; done < size;) {
    auto n = write(file_.get(), data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      stopped_by_ = file_failure("write", cache_.partial_path(order_.key));
      // A disk that is full harms the instances that run: what cannot be completed is given back.
      cache_.remove_partial(order_.key);
      return false;
    }
    done += static_cast<std::size_t>(n);
  }
  digest_.add(data, size);
  bytes_ += size;
  if (bytes_ >= flushed_ + flush_every) {
    sync_file_range(file_.get(), static_cast<off_t>(flushed_),
                    static_cast<off_t>(bytes_ - flushed_), SYNC_FILE_RANGE_WRITE);
    flushed_ = bytes_;
  }
  return true;
}

/// Forgets the bytes that are there; false when that cannot be done, which is noted.
bool download::start_over() {
  digest_.reset();
  bytes_ = flushed_ = 0;
  resumed_ = false;
  validator_.clear();
  if (ftruncate(file_.get(), 0) == 0 && lseek(file_.get(), 0, SEEK_SET) == 0)
    return true;
  stopped_by_ = file_failure("write", cache_.partial_path(order_.key));
  return false;
}

// -- files of this machine ------------------------------------------------------------------------

download::outcome download::begin_copy(const std::string& path, moment now) {
  source_ = owned_fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (!source_ || fstat(source_.get(), &info)) {
    auto code = errno == ENOENT ? failure_code::not_found : failure_code::internal;
    return fail(cannot_fetch(code, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode))
    return fail(cannot_fetch(failure_code::invalid, "it is not a regular file"));
  auto file = cache_.open_partial(order_.key);
  if (!file)
    return fail(file.error());
  file_ = std::move(*file);
  if (!start_over())
    return fail(*stopped_by_);
  total_ = static_cast<std::uint64_t>(info.st_size);
  stage_ = stage::copying;
  meter_.jump(now, 0);
  return std::nullopt;
}

download::outcome download::copy_piece(moment now) {
  std::vector<char> buffer(piece);
  auto size = read(source_.get(), buffer.data(), buffer.size());
  if (size < 0)
    return fail(cannot_fetch(failure_code::internal, std::strerror(errno)));
  if (size == 0)
    return complete(now);
  if (!keep(buffer.data(), static_cast<std::size_t>(size)))
    return fail(*stopped_by_);
  return std::nullopt;
}

// -- files of other machines ----------------------------------------------------------------------

/// What the partial file's bytes come from, as it is kept beside them.
std::string download::source_note(const std::string& validator) const {
  return hash_of(order_.url) + "\n" + validator;
}

download::outcome download::begin_remote(moment now) {
  auto known = file_ ? bytes_ : 0;
  if (!file_) {
    auto file = cache_.open_partial(order_.key);
    if (!file)
      return fail(file.error());
    file_ = std::move(*file);
    digest_.reset();
    bytes_ = flushed_ = 0;
  }
  auto note = cache_.note(order_.key);
  bool same_source = note.starts_with(source_note(""));
  validator_ = same_source ? note.substr(source_note("").size()) : "";
  struct stat info {};
  if (fstat(file_.get(), &info))
    return fail(file_failure("read", cache_.partial_path(order_.key)));
  resumable_ = static_cast<std::uint64_t>(info.st_size);
  // Without a validator only the announced hash can tell whether the rest belongs to it.
  bool may_resume = same_source && (!validator_.empty() || !order_.sha256.empty());
  if (resumable_ == 0 || !may_resume) {
    if (!start_over())
      return fail(*stopped_by_);
    begin_transfer(now);
  } else if (known == resumable_) {
    begin_transfer(now);
  } else {
    digest_.reset();
    bytes_ = 0;
    if (lseek(file_.get(), 0, SEEK_SET) != 0)
      return fail(file_failure("read", cache_.partial_path(order_.key)));
    stage_ = stage::rehashing;
  }
  return std::nullopt;
}

download::outcome download::rehash_piece(moment now) {
  std::vector<char> buffer(piece);
  auto want = std::min<std::uint64_t>(buffer.size(), resumable_ - bytes_);
  auto size = read(file_.get(), buffer.data(), static_cast<std::size_t>(want));
  if (size <= 0)
    return fail(file_failure("read", cache_.partial_path(order_.key)));
  digest_.add(buffer.data(), static_cast<std::size_t>(size));
  bytes_ += static_cast<std::uint64_t>(size);
  flushed_ = farthest_ = bytes_;
  if (bytes_ == resumable_)
    begin_transfer(now);
  return std::nullopt;
}

void download::begin_transfer(moment now) {
  stage_ = stage::transferring;
  body_begun_ = false;
  stopped_by_.reset();
  stopped_for_now_ = false;
  error_[0] = 0;
  meter_.jump(now, bytes_);
  easy_.reset(curl_easy_init());
  set_options();
  curl_multi_add_handle(multi_, easy_.get());
}

void download::set_options() {
  auto* e = easy_.get();
  curl_easy_setopt(e, CURLOPT_URL, order_.url.c_str());
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(e, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(e, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, static_cast<long>(config_.connect_timeout.count()));
  curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, static_cast<long>(config_.stall.count()));
  curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256 * 1024L);
  curl_easy_setopt(e, CURLOPT_USERAGENT, "autodeployer/" DEPLOYMINATOR_VERSION);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive_callback);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
  if (!order_.user.empty()) {
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_USERNAME, order_.user.c_str());
    curl_easy_setopt(e, CURLOPT_PASSWORD, order_.password.c_str());
  }
  headers_.reset();
  if (bytes_ > 0) {
    // Not CURLOPT_RESUME_FROM: with that, a server that ignores ranges is an error.
    curl_easy_setopt(e, CURLOPT_RANGE, fmt::format("{}-", bytes_).c_str());
    if (!validator_.empty())
      headers_.reset(curl_slist_append(nullptr, ("If-Range: " + validator_).c_str()));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers_.get());
  }
}

void download::end_transfer() {
  if (!easy_)
    return;
  curl_multi_remove_handle(multi_, easy_.get());
  easy_.reset();
}

std::string download::header(const char* name) const {
  curl_header* found = nullptr;
  return curl_easy_header(easy_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK
           ? found->value
           : std::string{};
}

std::size_t download::receive_callback(char* data, std::size_t size, std::size_t count,
                                       void* self) {
  return static_cast<download*>(self)->receive(data, size * count);
}

std::size_t download::receive(const char* data, std::size_t size) {
  if (!body_begun_ && !begin_body())
    return 0;
  return keep(data, size) ? size : 0;
}

/// The final answer's body begins: does it go on where the file ends, or start over? False when it
/// is not wanted, which is noted.
bool download::begin_body() {
  body_begun_ = true;
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 206 ? !follow_range() : bytes_ > 0 && !start_over())
    return false;
  learn_total();
  remember_source();
  struct statvfs disk {};
  if (!total_ || fstatvfs(file_.get(), &disk))
    return true;
  auto rest = *total_ > bytes_ ? *total_ - bytes_ : 0;
  auto room = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (*total_ <= config_.most_bytes && rest > room) {
    stopped_by_ = cannot_fetch(failure_code::internal,
                               fmt::format("no space left on the disk of {}: {} to come, {} free",
                                           cache_.partial_path(order_.key), size_text(rest),
                                           size_text(room)));
    stopped_by_->hint = "free some space there, then try again";
    cache_.remove_partial(order_.key);
    return false;
  }
  return true;
}

bool download::follow_range() {
  auto range = header("Content-Range");
  if (range.starts_with(fmt::format("bytes {}-", bytes_))) {
    resumed_ = bytes_ > 0;
    return true;
  }
  stopped_by_ = cannot_fetch(failure_code::unreachable,
                             fmt::format("the server sent \"{:.60}\" where the bytes from {} on "
                                         "were asked for",
                                         range, bytes_));
  stopped_for_now_ = true;
  cache_.remove_partial(order_.key);
  file_.reset();
  return false;
}

void download::learn_total() {
  curl_off_t length = -1;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  total_.reset();
  if (length >= 0)
    total_ = bytes_ + static_cast<std::uint64_t>(length);
}

void download::remember_source() {
  auto validator = header("ETag");
  if (validator.empty() || validator.starts_with("W/"))
    validator = header("Last-Modified");
  validator_ = validator;
  // Without the note the next attempt starts over; no reason to give this one up.
  (void)cache_.save_note(order_.key, source_note(validator));
}

download::outcome download::transferred(CURLcode code, moment now) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && !body_begun_ && !begin_body())
    code = CURLE_WRITE_ERROR;
  auto why = code == CURLE_OK ? failure{} : failure_of(code, status);
  end_transfer();
  if (code == CURLE_OK)
    return complete(now);
  if (stopped_by_)
    return stopped_for_now_ ? broken_off(*stopped_by_, now) : fail(*stopped_by_);
  if (!is_worth_retrying(code, status))
    return fail(std::move(why));
  if (status == 416) {
    // The partial file is as long as the whole, or longer: of no use.
    cache_.remove_partial(order_.key);
    file_.reset();
  }
  return broken_off(std::move(why), now);
}

// -- words ----------------------------------------------------------------------------------------

failure download::cannot_fetch(failure_code code, const std::string& why) const {
  return {code, fmt::format("cannot fetch {}: {}", shown_url_, why), {}};
}

failure download::failure_of(CURLcode code, long status) const {
  switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
      return status_failure(status);
    case CURLE_COULDNT_RESOLVE_HOST:
      return cannot_fetch(failure_code::unreachable, "its host is not known");
    case CURLE_COULDNT_CONNECT:
      return cannot_fetch(failure_code::unreachable, "its host refuses the connection or is away");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return cannot_fetch(
        failure_code::unreachable,
        total_ ? fmt::format("the connection broke off after {} of {} bytes", bytes_, *total_)
               : fmt::format("the connection broke off after {} bytes", bytes_));
    case CURLE_OPERATION_TIMEDOUT:
      if (status == 0 && !body_begun_ && std::strstr(error_, "onnect"))
        return cannot_fetch(failure_code::timeout, fmt::format("no connection within {} s",
                                                               config_.connect_timeout.count()));
      return cannot_fetch(failure_code::timeout,
                          fmt::format("it stalled: nothing came for {} s, after {} bytes",
                                      config_.stall.count(), bytes_));
    case CURLE_TOO_MANY_REDIRECTS:
      return cannot_fetch(failure_code::invalid, "it redirects more than 10 times");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return cannot_fetch(failure_code::refused,
                          "it redirects to something other than http or https");
    default:
      return cannot_fetch(failure_code::unreachable, *error_ ? error_ : curl_easy_strerror(code));
  }
}

failure download::status_failure(long status) const {
  auto* words = words_for(status);
  auto code = status == 404 || status == 410 ? failure_code::not_found
              : status >= 500                ? failure_code::unreachable
                                             : failure_code::refused;
  auto out = cannot_fetch(
    code, fmt::format("the server answers {}", words ? words : std::to_string(status)));
  if (status == 401 || status == 403)
    out.hint = "check downloaduser and downloadpassword";
  return out;
}

void download::tell(const download_progress& progress) {
  for (const auto& l : listeners)
    if (l.progress)
      l.progress(progress);
}

} // namespace deployminator::agent
