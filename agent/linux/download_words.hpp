#pragma once

#include "agent/linux/download_config.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <curl/curl.h>

namespace deployminator::agent {

/// What is known of a transfer that failed.
struct failed_transfer {
  CURLcode code = CURLE_OK;
  /// The answer's status; 0: there was none.
  long status = 0;
  /// curl's own words; may be empty.
  std::string words;
  bool body_begun = false;
  /// What was there of the artifact, and its size where that is known.
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total;
  /// The proxy it went through; empty: none.
  std::string proxy;
  /// What that answered to a request for a tunnel; 0: nothing.
  long proxy_status = 0;
};

/// "cannot fetch URL: why". `url`: as it may be shown, without password.
messages::failure cannot_fetch(const std::string& url, messages::failure_code code,
                               const std::string& why);

/// ", through the proxy HOST:PORT (VARIABLE)", or nothing.
std::string by_way_of(const std::string& proxy);

/// Why it failed, for people.
messages::failure failure_of(const failed_transfer& what, const std::string& url,
                             const download_config& config);

/// Whether another attempt may mend it.
bool is_worth_retrying(const failed_transfer& what);

} // namespace deployminator::agent
