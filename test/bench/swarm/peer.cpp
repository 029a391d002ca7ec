#include "test/bench/swarm/peer.hpp"

#include "messages/codec.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace deployminator::bench {

namespace {

/// As `messages/bus/sockets.cpp` sets them.
constexpr std::chrono::milliseconds first_reconnect_wait{100};
constexpr std::chrono::milliseconds longest_reconnect_wait{1000};

} // namespace

peer::peer(std::uint16_t number)
  : route_{.source = number}, random_(number + 1U), reconnect_wait_(first_reconnect_wait) {}

void peer::enter(int epoll, std::uint64_t tag, std::uint16_t port, phrasebook& book) {
  route_.epoll = epoll;
  route_.tag = tag;
  route_.port = port;
  book_ = &book;
  link_.open(route_);
}

void peer::work(time_point now, std::uint32_t events) {
  link_.work(events, [&](std::string_view bytes) {
    if (const auto* e = book_->read(bytes))
      arrived(now, *e);
  });
  if (session_.is_open())
    say_what_is_due(now);
  look_after_connection(now);
}

void peer::wake(time_point now) {
  if (now >= session_.next_wake())
    carry_out(now, session_.tick(now, random()));
  if (session_.is_open())
    say_what_is_due(now);
  look_after_connection(now);
}

time_point peer::next_wake() const {
  auto wake = std::min(session_.next_wake(), reconnect_at_);
  return session_.is_open() ? std::min(wake, next_due()) : wake;
}

void peer::send(time_point now, messages::message body, std::uint64_t id) {
  link_.send(messages::encode({id, session_.epoch(), std::move(body)}));
  session_.sent(now);
}

bool peer::in_session() const {
  return session_.is_open();
}

std::uint64_t peer::epoch() const {
  return session_.epoch();
}

void peer::arrived(time_point now, const messages::envelope& e) {
  auto step = session_.arrived(now, e, random());
  carry_out(now, step);
  if (step.opened)
    session_opened(now, std::get<messages::welcome>(e.body));
  else if (!step.ignore && !std::holds_alternative<messages::heartbeat>(e.body))
    take(now, e);
}

void peer::carry_out(time_point now, const bus::client_step& step) {
  if (step.lost)
    session_lost();
  if (step.reopen)
    link_.open(route_);
  if (step.send_hello && link_.stands())
    link_.send(messages::encode({0, session_.epoch(), introduction()}));
  if (step.send_heartbeat)
    link_.send(book_->heartbeat(session_.epoch(), session_.heartbeat().calm));
  look_after_connection(now);
}

void peer::look_after_connection(time_point now) {
  using std::chrono::milliseconds;
  if (link_.stands())
    reconnect_wait_ = first_reconnect_wait;
  if (link_.exists()) {
    reconnect_at_ = time_point::max();
  } else if (reconnect_at_ == time_point::max()) {
    auto jitter = milliseconds{static_cast<int>(random() * first_reconnect_wait.count())};
    reconnect_at_ = now + reconnect_wait_ + jitter;
    reconnect_wait_ = std::min(reconnect_wait_ * 2, longest_reconnect_wait);
  } else if (now >= reconnect_at_) {
    reconnect_at_ = time_point::max();
    link_.open(route_);
  }
}

double peer::random() {
  return std::uniform_real_distribution<double>{0, 1}(random_);
}

} // namespace deployminator::bench
