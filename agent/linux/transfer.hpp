#pragma once

#include "agent/linux/download_config.hpp"
#include "agent/linux/download_words.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <curl/curl.h>

namespace deployminator::agent {

/// What is asked of a server.
struct transfer_order {
  /// http or https.
  std::string url;
  std::string user;
  std::string password;
  /// A bearer token instead of these.
  std::string token;
  /// The bytes from here on.
  std::uint64_t from = 0;
  /// But from the beginning where the file has another validator by now; empty: in any case.
  std::string validator;
};

/// What a `Content-Range` says: the first byte's number, and the whole file's size where it is
/// known.
struct content_range {
  std::uint64_t begin = 0;
  std::optional<std::uint64_t> total;
};

/// Reads `bytes 10-19/20`; nothing where it is something else.
std::optional<content_range> parse_content_range(const std::string& text);

/// What tells a file from another under the same URL for certain: its `ETag` unless it is a weak
/// one, else its `Last-Modified`, if the answer's `Date` is a later one: within a second there may
/// be two.
std::string strong_validator(const std::string& etag, const std::string& last_modified,
                             const std::string& date);

/// One request by curl, from its beginning to its end.
class transfer {
public:
  /// Gets a piece of the final answer's body, in curl's thread; false: no more is wanted.
  using on_body = std::function<bool(const char* data, std::size_t size)>;

  /// Is carried out by `multi`, which must outlive this, as must `config`.
  transfer(CURLM* multi, const download_config& config, const transfer_order& order, on_body body);
  ~transfer();
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  /// Whether it is that of this handle.
  [[nodiscard]] bool owns(const CURL* handle) const {
    return easy_.get() == handle;
  }

  /// Of the answer; 0: there is none yet.
  [[nodiscard]] long status() const;

  /// How many bytes the body has, where that is known.
  [[nodiscard]] std::optional<std::uint64_t> length() const;

  /// A header of the answer, or nothing.
  [[nodiscard]] std::string header(const char* name) const;

  /// `strong_validator` of the answer; may be empty.
  [[nodiscard]] std::string validator() const;

  /// Whether the answer is about the file with this validator, as it says itself.
  [[nodiscard]] bool is_about(const std::string& validator) const;

  /// How long the server asks to be left alone; 0: it does not.
  [[nodiscard]] std::chrono::seconds retry_after() const;

  /// What the proxy answered to a request for a tunnel; 0: nothing.
  [[nodiscard]] long proxy_status() const;

  /// The proxy it goes through, as `HOST:PORT (VARIABLE)`; empty: none.
  [[nodiscard]] const std::string& proxy() const {
    return proxy_;
  }

  /// curl's own words about what went wrong; may be empty.
  [[nodiscard]] const char* words() const {
    return error_;
  }

private:
  struct free_easy {
    void operator()(CURL* easy) const {
      curl_easy_cleanup(easy);
    }
  };
  struct free_list {
    void operator()(curl_slist* list) const {
      curl_slist_free_all(list);
    }
  };

  void set_options(const download_config& config, const transfer_order& order);
  void set_credentials(const download_config& config, const transfer_order& order);
  static int hear(CURL* easy, curl_infotype type, char* data, std::size_t size, void* self);
  static std::size_t receive(char* data, std::size_t size, std::size_t count, void* self);

  CURLM* multi_;
  on_body body_;
  char error_[CURL_ERROR_SIZE] = {};
  std::string proxy_;
  std::unique_ptr<curl_slist, free_list> headers_;
  std::unique_ptr<CURL, free_easy> easy_;
};

/// Whether a transfer can fetch what is there: http or https.
bool is_remote(const std::string& url);

/// The file of this machine that is named directly or by a file URL; empty for any other URL.
std::string local_path(const std::string& url);

} // namespace deployminator::agent
