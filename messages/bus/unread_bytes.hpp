#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>

namespace deployminator::bus {

/// How much may have come over the connections of a server that no message was made of yet.
struct unread_limits {
  /// A few of the largest messages for each connection, as many as its queue takes.
  std::uint64_t of_one = 80 << 20;
  std::uint64_t in_all = 512 << 20;
  /// While the process has not grown by so much, nobody is looked at.
  std::uint64_t growth = 64 << 20;
};

/// Finds connections that fill libzmq's memory. It tells nothing of what it reads until a message
/// is complete, and a message may have any number of frames; so what the kernel has seen arrive is
/// compared with what was delivered. Belongs to the I/O thread.
class unread_bytes {
public:
  explicit unread_bytes(const unread_limits& limits = {}) : limits_(limits) {}

  /// Connections that were made to this port are looked at; all others of the process are not.
  void listen_on(std::uint16_t port) {
    ports_.insert(port);
  }

  [[nodiscard]] bool listens() const {
    return !ports_.empty();
  }

  /// A message came over this connection (-1: unknown), which took so many bytes there.
  void delivered(int descriptor, std::size_t bytes);

  /// Where the process has grown: ends the connections above the limits, those with most first.
  /// Called every so often.
  void look();

private:
  struct account {
    /// SO_COOKIE: another one is another connection under the same descriptor.
    std::uint64_t cookie = 0;
    /// What had arrived when the account was opened.
    std::uint64_t base = 0;
    std::uint64_t delivered = 0;
  };

  [[nodiscard]] bool is_ours(int descriptor) const;
  [[nodiscard]] std::uint64_t unread_of(int descriptor);
  void end_the_worst();

  unread_limits limits_;
  std::set<std::uint16_t> ports_;
  std::uint64_t size_at_last_look_ = 0;
  std::unordered_map<int, account> accounts_;
};

/// What a frame of this size takes on a connection (RFC 23, ZMTP 3.0; RFC 26, CurveZMQ).
std::size_t bytes_on_the_wire(std::size_t frame, bool is_encrypted);

} // namespace deployminator::bus
