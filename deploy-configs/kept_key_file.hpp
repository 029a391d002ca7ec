#pragma once

#include "deploy-configs/key_file.hpp"

#include <optional>
#include <string>
#include <utility>

namespace deployminator::configs {

/// A key file's content after a server has spoken: the next key is that of the farm by now where a
/// connection has proven it, and a new next one is believed where the store is the farm's.
key_file after_hearing(const key_file& held, const messages::server_key_news& news);

/// The key file that a process uses, with which it follows the server's key from one to the next.
class kept_key_file {
public:
  explicit kept_key_file(key_file content) : content_(std::move(content)) {}

  /// What came of news.
  struct outcome {
    /// The content is another one now.
    bool is_changed = false;
    /// Why the file is not the same, the first time that it is not. It is tried again when the
    /// server speaks again.
    std::optional<messages::failure> not_written;
  };

  /// Blocks while it writes.
  outcome learn(const messages::server_key_news& news);

  /// As it counts in this process, written or not.
  [[nodiscard]] const key_file& content() const {
    return content_;
  }

  /// The next key of the server that the file has; empty: none.
  [[nodiscard]] std::string next_in_file() const;

private:
  messages::result<void> write(const messages::server_key_news& news);

  key_file content_;
  bool is_written_ = true;
};

} // namespace deployminator::configs
