#pragma once

#include "messages/bus/session.hpp"
#include "test/bench/swarm/connection.hpp"
#include "test/bench/swarm/phrasebook.hpp"

#include <cstdint>
#include <random>

namespace deployminator::bench {

using time_point = bus::time_point;

/// One end of a session with the server: says hello, keeps the session, and finds a new connection
/// when the present one ends. For the thread of its `peer_loop` alone.
class peer {
public:
  /// `number`: different for each peer of the process; also its address.
  explicit peer(std::uint16_t number);
  virtual ~peer() = default;

  /// Called once, before everything else.
  void enter(int epoll, std::uint64_t tag, std::uint16_t port, phrasebook& book);

  /// Epoll saw something at its socket.
  void work(time_point now, std::uint32_t events);

  /// Does what is due.
  void wake(time_point now);

  /// When `wake` must be called at the latest.
  time_point next_wake() const;

protected:
  virtual messages::hello introduction() = 0;
  virtual void session_opened(time_point now, const messages::welcome& answer) = 0;
  virtual void session_lost() = 0;
  virtual void take(time_point now, const messages::envelope& e) = 0;
  /// In a session, after everything that happened.
  virtual void say_what_is_due(time_point now) = 0;
  /// When there is something to say in a session.
  virtual time_point next_due() const = 0;

  void send(time_point now, messages::message body, std::uint64_t id = 0);
  bool in_session() const;
  std::uint64_t epoch() const;

private:
  void arrived(time_point now, const messages::envelope& e);
  void carry_out(time_point now, const bus::client_step& step);
  void look_after_connection(time_point now);
  double random();

  route route_;
  phrasebook* book_ = nullptr;
  connection link_;
  bus::client_session session_;
  std::minstd_rand random_;
  /// While there is no connection: when to try again, and how long after the next failure.
  time_point reconnect_at_ = time_point::max();
  std::chrono::milliseconds reconnect_wait_;
};

} // namespace deployminator::bench
