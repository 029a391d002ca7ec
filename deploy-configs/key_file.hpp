#pragma once

#include "messages/access_key.hpp"
#include "messages/bus/curve.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The files that keep secret keys: YAML, readable for their owner alone. Keys are CURVE's, 40
/// characters of Z85.
namespace deployminator::configs {

/// All that a person, a program or a machine needs to talk to the servers of a farm.
struct key_file {
  /// Of the key, and so of the machine where the role is `agent`.
  std::string name;
  messages::key_role role = messages::key_role::viewer;
  /// The servers' listen endpoints.
  std::vector<std::string> servers;
  std::string server_key;
  std::string public_key;
  std::string secret_key;
  /// While the server's key is being rotated, and until a connection has proven the next one.
  std::optional<messages::next_server_key> next_server_key{};
  /// The id of the farm's store: no other farm's server is believed what the next key is. Empty:
  /// none has said one yet.
  std::string store{};
  /// Where it was read, not part of the content; empty: nowhere.
  std::string path{};

  bool operator==(const key_file&) const = default;
};

/// A key pair that a server proves itself with from a moment on.
struct next_key_pair {
  std::string public_key;
  std::string secret_key;
  messages::timestamp from;

  bool operator==(const next_key_pair&) const = default;
};

/// What a server needs to prove who it is: `server.key` in its directory of keys.
struct server_key_file {
  /// What key files are told as the servers' addresses.
  std::vector<std::string> servers;
  std::string public_key;
  std::string secret_key;
  /// The public key of the operator who set the server up.
  std::string operator_key;
  /// Since a rotation was begun: the time tells whether it is the server's key by now.
  std::optional<next_key_pair> next{};
};

/// Fails with one sentence where the file cannot be read, others may read it, or something in it
/// is wrong or missing.
messages::result<key_file> read_key_file(const std::string& path);
messages::result<server_key_file> read_server_key_file(const std::string& path);

/// On disk when this returns. Fails where the file exists.
messages::result<void> write_key_file(const std::string& path, const key_file& content);
messages::result<void> write_server_key_file(const std::string& path,
                                             const server_key_file& content);

/// What connections are encrypted with by the file's owner; without a file they are plain.
bus::keys keys_of(const std::optional<key_file>& own);

/// On disk when these return; a crash leaves the old content or the new. The file's owner stays.
messages::result<void> replace_key_file(const std::string& path, const key_file& content);
messages::result<void> replace_server_key_file(const std::string& path,
                                               const server_key_file& content);

/// Whether this is the text of a key: 40 characters of Z85.
bool is_key_text(std::string_view text);

/// `server.key` and `operator.key` in a server's directory of keys.
std::string server_key_path(const std::string& directory);
std::string operator_key_path(const std::string& directory);

} // namespace deployminator::configs
