#include "agent/linux/transfer.hpp"

#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace deployminator::agent {

namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

} // namespace

transfer::transfer(CURLM* multi, const download_config& config, const transfer_order& order,
                   on_body body)
  : multi_(multi), body_(std::move(body)), easy_(curl_easy_init()) {
  set_options(config, order);
  curl_multi_add_handle(multi_, easy_.get());
}

transfer::~transfer() {
  curl_multi_remove_handle(multi_, easy_.get());
}

void transfer::set_options(const download_config& config, const transfer_order& order) {
  auto* e = easy_.get();
  curl_easy_setopt(e, CURLOPT_URL, order.url.c_str());
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(e, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(e, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  // What a server sends beyond its answer must not become the beginning of the next.
  curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, static_cast<long>(config.connect_timeout.count()));
  curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, static_cast<long>(config.stall.count()));
  curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256 * 1024L);
  curl_easy_setopt(e, CURLOPT_USERAGENT, "autodeployer/" DEPLOYMINATOR_VERSION);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, hear);
  curl_easy_setopt(e, CURLOPT_DEBUGDATA, this);
  set_credentials(config, order);
  if (order.from > 0) {
    // Not CURLOPT_RESUME_FROM: with that, a server that ignores ranges is an error.
    curl_easy_setopt(e, CURLOPT_RANGE, fmt::format("{}-", order.from).c_str());
    if (!order.validator.empty())
      headers_.reset(curl_slist_append(nullptr, ("If-Range: " + order.validator).c_str()));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers_.get());
  }
}

void transfer::set_credentials(const download_config& config, const transfer_order& order) {
  auto* e = easy_.get();
  if (!order.token.empty()) {
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, order.token.c_str());
  } else if (!order.user.empty()) {
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_USERNAME, order.user.c_str());
    curl_easy_setopt(e, CURLOPT_PASSWORD, order.password.c_str());
  } else {
    curl_easy_setopt(e, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    if (access(config.netrc.c_str(), R_OK) == 0)
      curl_easy_setopt(e, CURLOPT_NETRC_FILE, config.netrc.c_str());
  }
}

/// Which proxy is in the way curl tells nowhere but in its talk. That of curl 7.88:
/// Uses proxy env variable http_proxy == 'http://user:password@host:3128'
int transfer::hear(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
  constexpr std::string_view begin = "Uses proxy env variable ";
  constexpr std::string_view middle = " == '";
  std::string_view text{data, size};
  if (type != CURLINFO_TEXT || !text.starts_with(begin))
    return 0;
  text.remove_prefix(begin.size());
  auto at = text.find(middle);
  auto end = text.rfind('\'');
  if (at == std::string_view::npos || end < at + middle.size())
    return 0;
  std::string url{text.substr(at + middle.size(), end - at - middle.size())};
  if (url.find("://") == std::string::npos)
    url.insert(0, "http://");
  static_cast<transfer*>(self)->proxy_
    = fmt::format("{} ({})", messages::host_of(url), text.substr(0, at));
  return 0;
}

std::size_t transfer::receive(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<transfer*>(self)->body_(data, size * count) ? size * count : 0;
}

// -- the answer -----------------------------------------------------------------------------------

long transfer::status() const {
  long out = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &out);
  return out;
}

long transfer::proxy_status() const {
  long out = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_CONNECTCODE, &out);
  return out;
}

std::optional<std::uint64_t> transfer::length() const {
  curl_off_t out = -1;
  curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &out);
  return out < 0 ? std::nullopt : std::optional{static_cast<std::uint64_t>(out)};
}

std::string transfer::header(const char* name) const {
  curl_header* found = nullptr;
  return curl_easy_header(easy_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK
           ? found->value
           : std::string{};
}

std::string transfer::validator() const {
  return strong_validator(header("ETag"), header("Last-Modified"), header("Date"));
}

bool transfer::is_about(const std::string& validator) const {
  return header("ETag") == validator || header("Last-Modified") == validator;
}

std::chrono::seconds transfer::retry_after() const {
  curl_off_t out = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &out);
  return std::chrono::seconds{out};
}

std::optional<content_range> parse_content_range(const std::string& text) {
  content_range out;
  const char* at = text.data();
  const char* end = at + text.size();
  if (!text.starts_with("bytes "))
    return std::nullopt;
  auto first = std::from_chars(at + 6, end, out.begin);
  auto slash = text.find('/');
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-'
      || slash == std::string::npos)
    return std::nullopt;
  std::uint64_t total = 0;
  if (std::from_chars(at + slash + 1, end, total).ec == std::errc{})
    out.total = total;
  return out;
}

std::string strong_validator(const std::string& etag, const std::string& last_modified,
                             const std::string& date) {
  if (!etag.empty() && !etag.starts_with("W/"))
    return etag;
  auto changed = curl_getdate(last_modified.c_str(), nullptr);
  auto answered = curl_getdate(date.c_str(), nullptr);
  return changed >= 0 && answered > changed ? last_modified : std::string{};
}

// -- URLs -----------------------------------------------------------------------------------------

bool is_remote(const std::string& url) {
  auto scheme = lower_case(url.substr(0, 8));
  return scheme.starts_with("http://") || scheme.starts_with("https://");
}

std::string local_path(const std::string& url) {
  if (url.starts_with('/'))
    return url;
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
  char* path = nullptr;
  if (!lower_case(url).starts_with("file://")
      || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK
      || curl_url_get(parsed.get(), CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK)
    return {};
  std::string out = path;
  curl_free(path);
  return out;
}

} // namespace deployminator::agent
