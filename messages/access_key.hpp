#pragma once

#include "messages/enum_text.hpp"
#include "messages/timestamp.hpp"

#include <optional>
#include <string>
#include <vector>

namespace deployminator::messages {

/// What the holder of a key may do; `actors/decisions/access` says which messages that are.
enum class key_role { operator_, builder, viewer, agent };

template <>
struct enum_text<key_role> {
  static constexpr std::array<std::string_view, 4> names{"operator", "builder", "viewer", "agent"};
};

/// What a key is for, as whoever asks for it says.
struct key_grant {
  /// Of the person, program or, for an agent, machine that holds it.
  std::string name;
  key_role role = key_role::viewer;
  /// CURVE's, 40 characters of Z85.
  std::string public_key;
  /// A builder's or viewer's; empty: all.
  std::vector<std::string> namespaces;
  /// An agent's machine groups; empty: those that it says itself.
  std::vector<std::string> groups;

  bool operator==(const key_grant&) const = default;
  MSGPACK_DEFINE_MAP(name, role, public_key, namespaces, groups)
};

/// A row of `access_key`. A revoked key stays, so that its name tells who did what.
struct access_key {
  /// Only grows.
  std::uint64_t id = 0;
  key_grant grant;
  timestamp created_at;
  /// The name of the key that ordered it.
  std::string created_by;
  /// Unset: it is good.
  timestamp revoked_at;

  bool operator==(const access_key&) const = default;
};

/// The public key that a server proves itself with from a moment on.
struct next_server_key {
  /// CURVE's, 40 characters of Z85.
  std::string key;
  timestamp from;

  bool operator==(const next_server_key&) const = default;
  MSGPACK_DEFINE_MAP(key, from)
};

/// What a server's `welcome` says of its keys.
struct server_key_news {
  /// The server's public key, as the connection that it came over proved it.
  std::string proven;
  /// The id of the server's store.
  std::string store;
  std::optional<next_server_key> next;
};

} // namespace deployminator::messages
