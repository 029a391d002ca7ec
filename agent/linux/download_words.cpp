#include "agent/linux/download_words.hpp"

#include <fmt/format.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;

namespace {

const char* words_for(long status) {
  switch (status) {
    case 401:
      return "401 Unauthorized";
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 407:
      return "407 Proxy Authentication Required";
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

failure answer_failure(const char* who, long status, const std::string& url) {
  const auto* words = words_for(status);
  auto code = status == 404 || status == 410 ? failure_code::not_found
              : status >= 500                ? failure_code::unreachable
                                             : failure_code::refused;
  return cannot_fetch(url, code,
                      fmt::format("{} answers {}", who, words ? words : std::to_string(status)));
}

failure proxy_failure(long status, const std::string& url) {
  auto out = answer_failure("the proxy", status, url);
  if (status == 407)
    out.hint = "give the user and password before the proxy's host: http://USER:PASSWORD@HOST:PORT";
  else if (status < 500)
    out.hint = "see which hosts the proxy lets through";
  return out;
}

failure server_failure(long status, const std::string& url) {
  auto out = answer_failure("the server", status, url);
  if (status == 401 || status == 403)
    out.hint = "check downloaduser and downloadpassword, downloadtoken, or the machine's netrc";
  if (out.code == failure_code::not_found)
    out.hint = "check downloadurl, and that the build was uploaded";
  return out;
}

failure unreachable_failure(const std::string& url, bool is_direct) {
  auto out = cannot_fetch(url, failure_code::unreachable,
                          is_direct ? "its host refuses the connection or is away"
                                    : "nothing accepts the connection");
  out.hint = "see that it runs, and that no firewall is between";
  return out;
}

bool may_pass(long status) {
  return status >= 500 || status == 408 || status == 429;
}

std::string timeout_text(const failed_transfer& what, const download_config& config) {
  bool connecting
    = what.status == 0 && !what.body_begun && what.words.find("onnect") != std::string::npos;
  if (connecting)
    return fmt::format("no connection within {} s", config.connect_timeout.count());
  return fmt::format("it stalled: nothing came for {} s, after {} bytes", config.stall.count(),
                     what.bytes);
}

std::string break_text(const failed_transfer& what) {
  if (what.total)
    return fmt::format("the connection broke off after {} of {} bytes", what.bytes, *what.total);
  return fmt::format("the connection broke off after {} bytes", what.bytes);
}

failure failure_itself(const failed_transfer& what, const std::string& url,
                       const download_config& config) {
  if (what.proxy_status >= 400)
    return proxy_failure(what.proxy_status, url);
  switch (what.code) {
    case CURLE_HTTP_RETURNED_ERROR:
      return what.status == 407 ? proxy_failure(407, url) : server_failure(what.status, url);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return cannot_fetch(url, failure_code::unreachable, "the host of its proxy is not known");
    case CURLE_COULDNT_RESOLVE_HOST:
      return cannot_fetch(url, failure_code::unreachable, "its host is not known");
    case CURLE_COULDNT_CONNECT:
      return unreachable_failure(url, what.proxy.empty());
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return cannot_fetch(url, failure_code::unreachable, break_text(what));
    case CURLE_OPERATION_TIMEDOUT:
      return cannot_fetch(url, failure_code::timeout, timeout_text(what, config));
    case CURLE_TOO_MANY_REDIRECTS:
      return cannot_fetch(url, failure_code::invalid, "it redirects more than 10 times");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return cannot_fetch(url, failure_code::refused,
                          "it redirects to something other than http or https");
    default:
      return cannot_fetch(url, failure_code::unreachable,
                          what.words.empty() ? curl_easy_strerror(what.code) : what.words);
  }
}

} // namespace

failure cannot_fetch(const std::string& url, failure_code code, const std::string& why) {
  return {code, fmt::format("cannot fetch {}: {}", url, why), {}};
}

std::string by_way_of(const std::string& proxy) {
  return proxy.empty() ? std::string{} : ", through the proxy " + proxy;
}

failure failure_of(const failed_transfer& what, const std::string& url,
                   const download_config& config) {
  auto out = failure_itself(what, url, config);
  out.message += by_way_of(what.proxy);
  return out;
}

bool is_worth_retrying(const failed_transfer& what) {
  if (what.proxy_status >= 400)
    return may_pass(what.proxy_status);
  switch (what.code) {
    case CURLE_HTTP_RETURNED_ERROR:
      return may_pass(what.status) || what.status == 416;
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

} // namespace deployminator::agent
