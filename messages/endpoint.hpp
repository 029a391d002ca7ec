#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace deployminator::messages {

/// Where a socket listens, or what it connects to: `tcp://HOST:PORT` or `ipc://PATH`.
struct endpoint {
  /// Without its brackets; empty with ipc.
  std::string host;
  std::uint16_t port = 0;
  /// Empty with tcp.
  std::string path;

  /// Every address of the machine: `*`, 0.0.0.0 or [::].
  [[nodiscard]] bool is_any_address() const;
};

/// What the endpoint is for.
enum class endpoint_use { listen, connect };

/// Reads an endpoint; all that settings, key files and sockets take, they take through this. The
/// failure's message is what was expected, as the end of a sentence.
result<endpoint> parse_endpoint(std::string_view text, endpoint_use use);

/// `tcp://HOST:PORT`, with brackets around an IPv6 address.
std::string tcp_endpoint(const std::string& host, std::uint16_t port);

/// Whether only this machine can reach the endpoint: 127.0.0.0/8, [::1], localhost or ipc.
bool is_loopback(std::string_view text);

} // namespace deployminator::messages
