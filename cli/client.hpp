#pragma once

#include "cli/inbox.hpp"
#include "cli/interruption.hpp"
#include "cli/outcome.hpp"
#include "deploy-configs/kept_key_file.hpp"
#include "deploy-configs/settings.hpp"
#include "messages/bus/event_follower.hpp"
#include "messages/bus/io_thread.hpp"
#include "messages/bus/session.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <variant>

namespace deployminator::cli {

/// The connection to the server, for one thread: requests with their answers, and the events, both
/// across restarts of the server. Everything happens inside its calls; between them nothing is
/// sent, so they must come at least every few seconds. A Ctrl-C ends each call early.
class client {
public:
  using clock = std::chrono::steady_clock;

  /// Connects to nothing yet. `stop` must outlive it.
  client(configs::server_access access, interruption& stop);

  /// Begins the session with the server that leads. Throws `setback` where none does within five
  /// seconds for each server, or it does not want us.
  void connect();

  /// Sends a request, again wherever it may have been lost, until it is answered. Throws `setback`
  /// when the server refuses it, does not answer within `timeout`, or the user stops.
  template <class Reply>
  Reply ask(const messages::message& request, clock::duration timeout = std::chrono::seconds{15}) {
    auto reply = answer_to(request, timeout);
    if (auto* wanted = std::get_if<Reply>(&reply))
      return std::move(*wanted);
    throw unexpected_answer();
  }

  /// From now on `next_event` gives the events numbered above `seq`, each once, and progress as it
  /// comes.
  void follow(std::uint64_t seq);

  /// The next event; nothing when none came until then.
  std::optional<messages::event> next_event(clock::time_point until);

  /// Keeps the session until then, or until the user stops the program.
  void rest(clock::time_point until);

  /// The number of the last event given out or waiting to be.
  std::uint64_t seq() const;

  /// The server's events do not go on from those given out: what was followed can only be looked
  /// at anew.
  bool is_history_broken() const;

  /// Ours, as the server has had it learn. Only where keys are used.
  const configs::key_file& key_file() const {
    return key_->content();
  }

  bool is_connected() const;
  bool is_interrupted() const;

private:
  messages::message answer_to(const messages::message& request, clock::duration timeout);
  setback no_server(clock::duration waited) const;
  setback unexpected_answer() const;
  setback unanswered(clock::duration timeout) const;

  /// Does what is due and handles what arrives, for once at most until then.
  void pump(clock::time_point until);
  void tick(clock::time_point now);
  void take(clock::time_point now, const bus::inbound& in);
  void take_handshake_failure(bus::handshake_failure why);
  void take_order_reply(clock::time_point now, const messages::envelope& e,
                        const std::string& proven_key);
  void learn(const messages::welcome& said, const std::string& proven_key);
  void say_hello();
  void carry_out(const bus::client_step& step);
  void carry_out(bus::follow_step step);

  void look_again(clock::time_point now);
  void send(std::uint64_t id, const messages::message& body);
  void open_orders();
  void open_events();
  double random();

  configs::server_access access_;
  /// Unset: no keys are used.
  std::optional<configs::kept_key_file> key_;
  /// The one of the servers that is being talked to.
  std::string server_;
  interruption& stop_;
  inbox inbox_;
  bus::io_thread bus_;
  bus::client_session session_;
  std::mt19937_64 random_;
  bus::socket_id orders_ = 0;
  std::uint64_t last_id_ = 0;

  /// Counts the sessions, so that a request sees that it may be lost.
  std::uint64_t session_number_ = 0;
  std::optional<messages::failure> rejected_;
  /// What the last server said that stands by, since the last session.
  std::optional<messages::failure> stands_by_;
  /// Handshakes that failed in a row for no certain reason.
  int failed_handshakes_ = 0;
  /// How many connections were opened.
  std::size_t attempts_ = 0;
  /// The request that waits for its answer, and the answer.
  std::uint64_t awaited_ = 0;
  std::optional<messages::message> answer_;

  std::optional<bus::event_follower> follower_;
  bus::socket_id events_socket_ = 0;
  std::string publish_;
  bool subscribed_ = false;
  /// The follower's question that waits for its answer.
  std::uint64_t asked_ = 0;
  std::deque<messages::event> events_;
  bool history_broken_ = false;
  /// Answers in a row that did not go on from what is known, and when to ask again after one.
  int broken_answers_ = 0;
  std::optional<clock::time_point> look_again_at_;
};

} // namespace deployminator::cli
