#pragma once

#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace deployminator::agent {

/// A number that is ours on this host while `holder`, or a copy of it in another process, is open.
struct reservation {
  std::int64_t number = 0;
  owned_fd holder;
};

/// Gives out users and ports that nobody else on this host has, whichever agent asks. The kernel
/// gives each to one holder, and frees it when the last copy of that is gone, however it went:
///
///   /run/autodeployer-ports/NET/N   a TCP port: a locked file (flock), where NET is the inode of
///   the
///                                   network namespace, to which a port belongs
///   /run/autodeployer-users/N       an operating-system user: a locked file; `next` beside them is
///                                   where the next search begins
///   @autodeployer/port/N            a TCP port, for an agent that is not root: an abstract unix
///                                   socket, which any local user may take
///
/// What is reserved and freed again through one object of this class is remembered there, only to
/// save asking the kernel for it.
class reservations {
public:
  static constexpr std::int64_t first_port = 4100;
  static constexpr std::int64_t last_port = 65535;
  /// Above what Debian and systemd give out (to 65,535) and who owns data (data_directory.hpp),
  /// below the subordinate ids of users, which begin at 100,000 (SUB_UID_MIN in /etc/login.defs).
  static constexpr std::int64_t first_uid = 70'000;
  static constexpr std::int64_t last_uid = 99'999;

  /// Reserves the lowest port that is free: reserved by nobody, and with no socket bound to it now,
  /// not even one in TIME_WAIT, which a server without SO_REUSEADDR could not bind over.
  messages::result<reservation> port();

  /// Whether somebody listens on a reserved port, or has bound it without listening in a way that
  /// keeps others off: who was given the port cannot use it. Connections that linger do not count.
  static bool is_taken(std::uint16_t port);

  /// Reserves `preferred` where it is in the range and free, else the next free user without an
  /// entry in the user database: round the range, so that whose files somebody overlooked is not
  /// somebody else's user soon.
  messages::result<reservation> user(std::int64_t preferred);

  /// Reserves exactly this user; `refused` when another has it.
  messages::result<owned_fd> this_user(std::int64_t uid);

  /// The number is in use by a starter that was found alive.
  void note_port(std::int64_t port);
  void note_user(std::int64_t uid);

  /// It may be given out again.
  void free_port(std::int64_t port);
  void free_user(std::int64_t uid);

private:
  messages::result<owned_fd> this_port(std::int64_t port);
  /// The users that processes ran as at most a moment ago: where a lock was removed, its user is
  /// still an instance's. One that was free then is still, unless an agent has reserved it, since
  /// users are handed out round the range.
  const std::set<std::int64_t>& busy_users();

  /// The directory, once it is made; empty without root.
  std::string port_locks_;
  std::set<std::int64_t> ports_;
  std::set<std::int64_t> users_;
  std::set<std::int64_t> busy_users_;
  std::chrono::steady_clock::time_point busy_users_seen_;
};

} // namespace deployminator::agent
