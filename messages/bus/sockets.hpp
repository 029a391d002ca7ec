#pragma once

#include "messages/bus/bus.hpp"

#include <zmq.hpp>

#include <map>
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
  explicit sockets(zmq::context_t& context);

  /// Opens a socket under the name `id`; what its failures mean, see `bus::open`.
  messages::result<void> open(socket_id id, socket_kind kind, const std::string& endpoint);

  void close(socket_id id);

  /// Sends one message, or drops it.
  void send(socket_id id, const std::string& peer, const std::string& bytes);

  /// Adds an item for each socket that `receive` may be called for when something can be read.
  void watch(std::vector<zmq::pollitem_t>& items);

  /// Hands what has arrived to `deliver`: from each socket at most so much that the others and
  /// the commands get their turn.
  void receive(const receiver& deliver);

private:
  struct entry {
    socket_kind kind;
    zmq::socket_t socket;
    /// On `events_client`: the marker came.
    bool subscribed = false;
  };

  void receive_from(socket_id id, entry& from, const receiver& deliver);
  void answer_subscribers(entry& publisher);

  zmq::context_t& context_;
  std::map<socket_id, entry> open_;
};

} // namespace deployminator::bus
