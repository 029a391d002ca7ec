#pragma once

#include "messages/access_key.hpp"
#include "messages/bus/curve.hpp"
#include "messages/result.hpp"

#include <optional>
#include <string>
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
};

/// What a server needs to prove who it is: `server.key` in its directory of keys.
struct server_key_file {
  /// What key files are told as the servers' addresses.
  std::vector<std::string> servers;
  std::string public_key;
  std::string secret_key;
  /// The public key of the operator who set the server up.
  std::string operator_key;
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

/// `server.key` and `operator.key` in a server's directory of keys.
std::string server_key_path(const std::string& directory);
std::string operator_key_path(const std::string& directory);

} // namespace deployminator::configs
