#pragma once

#include "actors/decisions/keyring.hpp"
#include "messages/access_key.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::actors {

/// The rotation of the server's key, while there is one, and who has its next key in his key file.
class key_rotation {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The server's next key from now on; nothing: none, or it is the server's by now.
  void announce(std::optional<messages::next_server_key> next, time_point now);

  /// The holder of `public_key` says that his key file has this next key; empty: none.
  void heard(const std::string& public_key, const std::string& next_key);

  [[nodiscard]] const std::optional<messages::next_server_key>& next() const {
    return next_;
  }

  /// Whether the holder of the key knows the next one; nothing while there is none.
  [[nodiscard]] std::optional<bool> is_known_to(const std::string& public_key) const;

  /// The machines that do not know the next key, by name, where that is worth a word: a moment
  /// after it was announced, and then every minute in which they have changed.
  std::optional<std::vector<std::string>> news(const keyring& keys, time_point now);

private:
  std::optional<messages::next_server_key> next_;
  /// What each said last, by public key.
  std::map<std::string, std::string> heard_;
  time_point next_look_;
  std::optional<std::vector<std::string>> told_;
};

} // namespace deployminator::actors
