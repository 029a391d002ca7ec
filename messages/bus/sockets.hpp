#pragma once

#include "messages/bus/backlog.hpp"
#include "messages/bus/budget.hpp"
#include "messages/bus/bus.hpp"
#include "messages/bus/handshake_monitor.hpp"
#include "messages/bus/subscribers.hpp"
#include "messages/bus/unread_bytes.hpp"
#include "messages/bus/zap_handler.hpp"

#include <zmq.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::bus {

/// What an `events_server` publishes when somebody has subscribed: msgpack's nil. Every subscriber
/// gets it; its first one proves to a watcher that its subscription stands.
inline constexpr std::string_view subscription_marker{"\xc0", 1};

/// The open sockets of an `io_thread`, touched by that thread alone. No call blocks, and none
/// throws for what a peer or an endpoint does.
class sockets {
public:
  /// `handed_up`: counts what peers of a server said; while it is full they are not read.
  sockets(zmq::context_t& context, keys own, backlog& handed_up);

  /// Opens a socket under the name `id`; what its failures mean, see `bus::open`.
  messages::result<void> open(socket_id id, socket_kind kind, const std::string& endpoint);

  void close(socket_id id);

  /// Sends one message, or drops it.
  void send(socket_id id, const std::string& peer, const std::string& bytes);

  void trust(trusted_keys who);

  /// See `io_thread::expect`.
  void expect(const std::string& other_server_key);

  /// See `io_thread::prove_with`; fails where an address is still in use, of which ZeroMQ lets go
  /// a moment after it is told to: to be called again.
  messages::result<void> prove_with(const server_keys& own);

  /// Adds an item for each socket that `receive` may be called for when something can be read.
  void watch(std::vector<zmq::pollitem_t>& items);

  /// Answers the handshakes that wait, and hands what has arrived to `deliver`: from each socket at
  /// most so much that the others and the commands get their turn.
  void receive(const receiver& deliver);

  /// Whether peers connect to any of them.
  [[nodiscard]] bool listen() const {
    return unread_.listens();
  }

  /// Where they listen: ends connections that fill the memory. To be called every so often.
  void look_after_memory() {
    unread_.look();
  }

private:
  struct entry {
    socket_kind kind;
    std::string endpoint;
    zmq::socket_t socket;
    /// As ZeroMQ names what is bound; empty: nothing is now.
    std::string bound;
    /// On `events_client`: the marker came.
    bool subscribed = false;
    /// On `orders_client`, with keys.
    std::unique_ptr<handshake_monitor> handshakes;
    /// On `events_server`, with keys.
    subscribers watchers;
  };

  /// Whether peers that are read from may not be, now.
  [[nodiscard]] bool is_held_back(socket_kind kind) const;
  void bind(entry& to);
  static void unbind(entry& from);
  void set_keys(zmq::socket_t& s, socket_kind kind) const;
  /// Whether what came over the connection may be looked at; else the connection is ended.
  bool admit(const entry& from, const std::string& key, int descriptor, std::size_t bytes);
  void receive_from(socket_id id, entry& from, const receiver& deliver);
  void report_handshakes(const receiver& deliver);
  /// Whether the server's other key is worth a try; then all that connects does so anew, with it.
  bool try_other_server_key();
  void answer_subscribers(entry& publisher);

  zmq::context_t& context_;
  keys keys_;
  /// The last handshake was tried with the server's one key because it had failed with the other.
  bool other_has_failed_ = false;
  std::uint64_t last_monitor_ = 0;
  /// On a server with keys.
  std::optional<zap_handler> zap_;
  budget allowed_;
  backlog& handed_up_;
  unread_bytes unread_;
  std::map<socket_id, entry> open_;
};

} // namespace deployminator::bus
