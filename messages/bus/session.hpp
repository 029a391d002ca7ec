#pragma once

#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// The session above a connection, as machines over (now, what arrived): no socket, clock or
/// thread. Whoever owns one carries out what it answers, and calls `tick` at `next_wake`.
namespace deployminator::bus {

using time_point = std::chrono::steady_clock::time_point;

/// The longest one side says nothing.
inline constexpr std::chrono::milliseconds heartbeat_interval{1000};
/// Silence after which the other side counts as lost; a server that has not said anything to a
/// `hello` for so long gets a new connection.
inline constexpr std::chrono::milliseconds lost_after{4000};

/// How often two sides speak, and how long each hears nothing of a lost one.
struct pace {
  std::chrono::milliseconds client_interval = heartbeat_interval;
  std::chrono::milliseconds server_interval = heartbeat_interval;
  /// Silence after which the client takes the server for lost, and the other way round.
  std::chrono::milliseconds server_lost_after = lost_after;
  std::chrono::milliseconds client_lost_after = lost_after;
};

inline constexpr pace usual_pace{};
/// For a server with very many peers, most of whose work would be heartbeats. It still misses a
/// peer as soon; the peers are patient, so that a server that paused does not lose all at once.
inline constexpr pace calm_pace{
  .client_interval = std::chrono::milliseconds{2000},
  .server_interval = std::chrono::milliseconds{4000},
  .server_lost_after = std::chrono::milliseconds{12'000},
  .client_lost_after = std::chrono::milliseconds{4500},
};
/// Between `hello` and its repetition, doubling from the first to the longest, times 0.5 to 1.5.
/// The first is short since a hello sent before the connection stands is dropped.
inline constexpr std::chrono::milliseconds first_hello_wait{20};
inline constexpr std::chrono::milliseconds longest_hello_wait{2000};
/// Where there are several servers, silence to a `hello` after which the next one is tried.
inline constexpr std::chrono::milliseconds next_server_after{2000};
/// From a server that stands by one goes to the next at once, and when that does so as well after a
/// wait that doubles from the first to the longest, times 0.5 to 1.5.
inline constexpr std::chrono::milliseconds first_standby_wait{100};
inline constexpr std::chrono::milliseconds longest_standby_wait{1000};

/// What the owner of a `client_session` does now, in the order of the members.
struct client_step {
  /// The session has ended; what was asked in it may never be answered.
  bool lost = false;
  /// Close the socket and open a new one (to the next server where there are several).
  bool reopen = false;
  bool send_hello = false;
  bool send_heartbeat = false;
  /// The message that arrived was the `welcome` that begins the session: the owner may talk.
  bool opened = false;
  /// The message that arrived is not of this session and means nothing to the owner.
  bool ignore = false;
  /// The server does not want us, or we may not obey it. The session goes on asking, slowly; a
  /// program that is in a hurry gives up with this.
  std::optional<messages::failure> rejected;
  /// The server stands by; the session goes on to the next one.
  std::optional<messages::failure> stands_by;
};

/// The agent's and the client's side. Begins unconnected, due for its first `tick`: the owner has
/// opened a socket. What `tick` and `arrived` tell to send counts as sent.
class client_session {
public:
  /// `epoch`: the highest of a server ever seen, 0 for none. `store`: the id of the store that is
  /// obeyed, and no other; empty: the first one that a server tells; nothing: any. `patience`: how
  /// long a server may say nothing to a `hello` before the owner is told to reopen.
  explicit client_session(std::uint64_t epoch = 0, std::optional<std::string> store = {},
                          std::chrono::milliseconds patience = lost_after);

  /// `random`: a fresh number from 0 to below 1.
  client_step tick(time_point now, double random);

  /// A message came in over the present socket; those of a closed one are not for the session.
  client_step arrived(time_point now, const messages::envelope& e, double random);

  /// The owner has sent something else.
  void sent(time_point now);

  /// What to send where a step says `send_heartbeat`.
  messages::heartbeat heartbeat() const;

  /// When `tick` must be called at the latest.
  time_point next_wake() const;

  bool is_open() const;

  /// The highest server epoch seen, for the envelopes and the next `hello`.
  std::uint64_t epoch() const;

  /// The id of the store that is obeyed; empty: none yet.
  std::string store() const;

private:
  client_step connect(time_point now, double random, client_step step);
  void wait_for_welcome(time_point now, double random);
  void hello_sent(time_point now, double random);
  client_step welcomed(time_point now, const messages::envelope& e, double random);
  client_step reject(time_point now, messages::failure why, double random);
  client_step go_elsewhere(time_point now, messages::failure why, double random);
  const pace& present_pace() const;

  bool open_ = false;
  /// While open: the server has asked for the calm pace.
  bool is_calm_ = false;
  std::uint64_t epoch_ = 0;
  std::optional<std::string> store_;
  std::chrono::milliseconds patience_;
  /// While open: when anything was heard and sent last.
  time_point last_heard_;
  time_point last_sent_;
  /// While connecting: when to say hello next, when to take a new socket.
  time_point next_hello_ = time_point::min();
  time_point give_up_at_ = time_point::max();
  std::chrono::milliseconds hello_wait_ = first_hello_wait;
  /// While connecting: before leaving the next server that stands by.
  std::chrono::milliseconds standby_wait_{0};
};

/// What the owner of a `peer_session` does now.
struct peer_step {
  bool send_heartbeat = false;
  /// The peer is gone; the session is over.
  bool lost = false;
};

/// The server's side, one for each peer that said hello.
class peer_session {
public:
  explicit peer_session(time_point now);

  /// Anything came from the peer.
  void arrived(time_point now);

  /// The peer's heartbeat says whether it keeps the calm pace; one that does not know it never
  /// does.
  void keeps_calm(bool calm);

  /// The server asks for the calm pace, in each heartbeat, or for the usual one again.
  void want_calm(bool calm);

  /// Anything else was sent to the peer.
  void sent(time_point now);

  peer_step tick(time_point now);

  /// When `tick` must be called at the latest.
  time_point next_wake() const;

private:
  const pace& present_pace() const;
  std::chrono::milliseconds patience() const;

  time_point last_heard_;
  time_point last_sent_;
  bool wants_calm_ = false;
  bool keeps_calm_ = false;
};

} // namespace deployminator::bus
