#pragma once

#include "messages/enum_text.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace deployminator::messages {

/// Why something was not done; the coarse kind, for programs. People read the message.
enum class failure_code {
  /// The input (file, flag, message) is wrong; sending it again cannot help.
  invalid,
  /// A value that is understood but not supported yet.
  unsupported,
  /// The thing named does not exist.
  not_found,
  /// The order makes no sense in the present state.
  refused,
  /// The other side cannot be reached, or was lost before it answered.
  unreachable,
  /// Nothing happened within the time allowed.
  timeout,
  /// The bytes received are not those that were announced.
  mismatch,
  /// The protocol versions do not overlap.
  version,
  /// A disk, database or system call failed here.
  internal,
  /// The caller's key does not allow it.
  forbidden,
  /// The server does not know our key, or has revoked it, or has another one than we were told.
  unknown_key,
  revoked_key,
  other_server_key,
};

template <>
struct enum_text<failure_code> {
  static constexpr std::array<std::string_view, 13> names{
    "invalid",     "unsupported", "not_found",       "refused",  "unreachable",
    "timeout",     "mismatch",    "version",         "internal", "forbidden",
    "unknown_key", "revoked_key", "other_server_key"};
};

/// What went wrong: `message` is one clear sentence (what, where, what was expected), `hint` what
/// to do about it, possibly empty.
struct failure {
  failure_code code = failure_code::internal;
  std::string message;
  std::string hint;

  bool operator==(const failure&) const = default;
  MSGPACK_DEFINE_MAP(code, message, hint)
};

} // namespace deployminator::messages
