#include "messages/bus/sockets.hpp"

#include "messages/bus/endpoint.hpp"
#include "messages/wire.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

namespace deployminator::bus {

namespace {

using messages::failure;
using messages::failure_code;
using messages::result;

/// Messages taken from one socket before the others get their turn.
constexpr int messages_per_turn = 256;

/// Messages of one peer that wait in ZeroMQ: so many times the largest is the memory they may take.
constexpr int most_unread_orders = 16;

/// Some downloads' progress; what is longer is no progress.
constexpr std::int64_t longest_progress = 64 << 10;

/// Until the next try, in milliseconds, where both keys that a server may have were wrong; by then
/// each of them has been tried at once.
constexpr int calm_reconnect = 1000;

/// Messages a watcher may be behind before it loses some: about ten seconds of a busy farm.
constexpr int publisher_backlog = 20'000;

zmq::socket_type type_of(socket_kind kind) {
  switch (kind) {
    case socket_kind::orders_server:
      return zmq::socket_type::router;
    case socket_kind::orders_client:
      return zmq::socket_type::dealer;
    case socket_kind::events_server:
      return zmq::socket_type::xpub;
    case socket_kind::progress_client:
      return zmq::socket_type::pub;
    case socket_kind::events_client:
    case socket_kind::progress_server:
      break;
  }
  return zmq::socket_type::sub;
}

bool listens(socket_kind kind) {
  return kind == socket_kind::orders_server || kind == socket_kind::events_server
         || kind == socket_kind::progress_server;
}

/// ZeroMQ's own heartbeats stay off: in libzmq 4.3.4 they abort the process when a reader stalls.
void set_common_options(zmq::socket_t& s, const std::string& endpoint) {
  s.set(zmq::sockopt::linger, 0);
  s.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(messages::max_message_bytes));
  // As many as the kernel allows: who is not let in at once tries again after a second or more.
  s.set(zmq::sockopt::backlog, 65'535);
  s.set(zmq::sockopt::handshake_ivl, 5000);
  s.set(zmq::sockopt::reconnect_ivl, 100);
  s.set(zmq::sockopt::reconnect_ivl_max, 1000);
  s.set(zmq::sockopt::tcp_keepalive, 1);
  s.set(zmq::sockopt::tcp_keepalive_idle, 10);
  s.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  s.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  s.set(zmq::sockopt::tcp_maxrt, 15'000);
  // Only for literal addresses: with it a name that has both would be resolved to IPv6 alone.
  s.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
}

void set_options_of(zmq::socket_t& s, socket_kind kind) {
  switch (kind) {
    case socket_kind::orders_server:
      s.set(zmq::sockopt::router_mandatory, true);
      s.set(zmq::sockopt::rcvhwm, most_unread_orders);
      break;
    case socket_kind::orders_client:
      // Nothing is queued for a server that is away: it would arrive late, as a stale order.
      s.set(zmq::sockopt::immediate, true);
      break;
    case socket_kind::events_server:
      s.set(zmq::sockopt::xpub_verbose, true);
      s.set(zmq::sockopt::sndhwm, publisher_backlog);
      break;
    case socket_kind::events_client:
      s.set(zmq::sockopt::rcvhwm, publisher_backlog);
      s.set(zmq::sockopt::subscribe, "");
      break;
    case socket_kind::progress_server:
      s.set(zmq::sockopt::maxmsgsize, longest_progress);
      s.set(zmq::sockopt::subscribe, "");
      break;
    case socket_kind::progress_client:
      break;
  }
}

failure not_opened(socket_kind kind, const std::string& endpoint, int error) {
  const auto* verb = listens(kind) ? "listen on" : "connect to";
  auto sentence = fmt::format("cannot {} {}: ", verb, endpoint);
  switch (error) {
    case EADDRINUSE:
      return {failure_code::internal, sentence + "the address is in use already",
              "stop the program that listens there, or choose another port"};
    case EADDRNOTAVAIL:
    case ENODEV:
      return {failure_code::invalid, sentence + "this machine has no such address",
              "use an address of this machine, or 127.0.0.1"};
    case EACCES:
      return {failure_code::internal, sentence + "no permission",
              "choose a port from 1024 upwards"};
    case EINVAL:
    case EPROTONOSUPPORT:
      return {failure_code::invalid,
              fmt::format("\"{}\" is not an endpoint, expected one such as tcp://127.0.0.1:4001",
                          endpoint),
              ""};
    default:
      return {failure_code::internal, sentence + zmq_strerror(error), ""};
  }
}

/// The endpoint as ZeroMQ is to be given it.
result<std::string> address_of(socket_kind kind, const std::string& endpoint) {
  auto use = listens(kind) ? messages::endpoint_use::listen : messages::endpoint_use::connect;
  auto parsed = messages::parse_endpoint(endpoint, use);
  if (!parsed)
    return failure{
      failure_code::invalid,
      fmt::format("\"{}\" is not an endpoint; expected {}", endpoint, parsed.error().message), ""};
  return listens(kind) ? bind_address(*parsed) : result<std::string>{endpoint};
}

/// Whether the frame went out; false where the peer is gone or does not read.
bool try_send(zmq::socket_t& s, const std::string& frame, zmq::send_flags more) {
  try {
    return s.send(zmq::buffer(frame), more | zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {
    return false;
  }
}

/// One message as it came: the number of its frames, and the first two of them.
struct raw_message {
  int frames = 0;
  std::string first;
  std::string second;
  /// The public key that its connection proved; empty without keys.
  std::string key;
  /// Of the connection; -1: unknown.
  int descriptor = -1;
  /// The bytes that it took there.
  std::size_t on_the_wire = 0;
};

/// What ZeroMQ knows of the connection that the message came over.
void note_origin(zmq::message_t& frame, raw_message& to) {
  if (const auto* user = zmq_msg_gets(frame.handle(), "User-Id"); user && *user)
    to.key = user;
  to.descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
}

/// `is_routed`: its first frame is the routing id, which did not travel.
std::optional<raw_message> try_receive(zmq::socket_t& s, bool is_routed, bool is_encrypted) {
  raw_message out;
  try {
    zmq::message_t frame;
    do {
      if (!s.recv(frame, zmq::recv_flags::dontwait))
        return std::nullopt;
      if (out.frames < 2)
        (out.frames == 0 ? out.first : out.second) = frame.to_string();
      if (out.frames > 0 || !is_routed)
        out.on_the_wire += bytes_on_the_wire(frame.size(), is_encrypted);
      ++out.frames;
      if (!frame.more())
        note_origin(frame, out);
    } while (frame.more());
  } catch (const zmq::error_t&) {
    return std::nullopt;
  }
  return out;
}

} // namespace

sockets::sockets(zmq::context_t& context, keys own, backlog& handed_up)
  : context_(context), keys_(std::move(own)), handed_up_(handed_up) {
  if (std::holds_alternative<server_keys>(keys_))
    zap_.emplace(context);
}

void sockets::set_keys(zmq::socket_t& s, socket_kind kind) const {
  if (const auto* server = std::get_if<server_keys>(&keys_)) {
    s.set(zmq::sockopt::curve_server, true);
    s.set(zmq::sockopt::curve_secretkey, server->own.secret_key);
    s.set(zmq::sockopt::zap_domain, zap_domain_of(kind));
  } else if (const auto* client = std::get_if<client_keys>(&keys_)) {
    s.set(zmq::sockopt::curve_serverkey, client->server_key);
    s.set(zmq::sockopt::curve_publickey, client->own.public_key);
    s.set(zmq::sockopt::curve_secretkey, client->own.secret_key);
  }
}

messages::result<void> sockets::open(socket_id id, socket_kind kind, const std::string& endpoint) {
  auto address = address_of(kind, endpoint);
  if (!address)
    return address.error();
  try {
    zmq::socket_t socket{context_, type_of(kind)};
    set_common_options(socket, *address);
    set_options_of(socket, kind);
    set_keys(socket, kind);
    if (other_has_failed_)
      socket.set(zmq::sockopt::reconnect_ivl, calm_reconnect);
    std::unique_ptr<handshake_monitor> handshakes;
    if (kind == socket_kind::orders_client && std::holds_alternative<client_keys>(keys_))
      handshakes = std::make_unique<handshake_monitor>(context_, socket, ++last_monitor_);
    entry opened{kind, *address, std::move(socket), {}, false, std::move(handshakes), {}};
    if (listens(kind))
      bind(opened);
    else
      opened.socket.connect(*address);
    open_.insert_or_assign(id, std::move(opened));
    return {};
  } catch (const zmq::error_t& e) {
    return not_opened(kind, endpoint, e.num());
  }
}

/// Throws as ZeroMQ does.
void sockets::bind(entry& to) {
  to.socket.bind(to.endpoint);
  to.bound = to.socket.get(zmq::sockopt::last_endpoint);
  auto at = messages::parse_endpoint(to.endpoint, messages::endpoint_use::listen);
  if (at && at->port != 0)
    unread_.listen_on(at->port);
}

void sockets::unbind(entry& from) {
  try {
    from.socket.unbind(std::exchange(from.bound, {}));
  } catch (const zmq::error_t&) {
    // It is bound still, as the next `bind` says.
  }
}

void sockets::close(socket_id id) {
  open_.erase(id);
}

void sockets::expect(const std::string& other_server_key) {
  if (auto* client = std::get_if<client_keys>(&keys_))
    client->other_server_key = other_server_key;
}

/// A socket's key counts for what is bound after it was set; what was bound before ends with all
/// its connections, once what they brought is read.
messages::result<void> sockets::prove_with(const server_keys& own) {
  if (std::get<server_keys>(keys_).own.secret_key != own.own.secret_key)
    for (auto& [id, each] : open_)
      unbind(each);
  keys_ = own;
  for (auto& [id, each] : open_)
    try {
      set_keys(each.socket, each.kind);
      if (each.bound.empty())
        bind(each);
    } catch (const zmq::error_t& e) {
      return not_opened(each.kind, each.endpoint, e.num());
    }
  return {};
}

void sockets::send(socket_id id, const std::string& peer, const std::string& bytes) {
  auto found = open_.find(id);
  if (found == open_.end() || bytes.size() > messages::max_message_bytes)
    return;
  auto& socket = found->second.socket;
  if (found->second.kind == socket_kind::orders_server
      && !try_send(socket, peer, zmq::send_flags::sndmore))
    return;
  try_send(socket, bytes, zmq::send_flags::none);
}

void sockets::trust(trusted_keys who) {
  if (!zap_)
    return;
  zap_->trust(std::move(who));
  for (auto& [id, each] : open_)
    each.watchers.cut_off_unless(
      [this, kind = each.kind](const std::string& key) { return zap_->allows(key, kind); });
}

void sockets::watch(std::vector<zmq::pollitem_t>& items) {
  // Those that only publish too: ZeroMQ takes in their subscriptions when they are polled.
  for (auto& [id, each] : open_)
    if (!is_held_back(each.kind))
      items.push_back({each.socket.handle(), 0, ZMQ_POLLIN, 0});
  if (zap_ && zap_->is_ready())
    items.push_back({zap_->socket().handle(), 0, ZMQ_POLLIN, 0});
  for (auto& [id, each] : open_)
    if (each.handshakes)
      items.push_back({each.handshakes->socket().handle(), 0, ZMQ_POLLIN, 0});
}

void sockets::receive(const receiver& deliver) {
  if (zap_ && zap_->is_ready())
    zap_->answer_all();
  report_handshakes(deliver);
  for (auto& [id, each] : open_)
    if (each.kind == socket_kind::events_server)
      answer_subscribers(each);
    else if (each.kind != socket_kind::progress_client)
      receive_from(id, each, deliver);
}

bool sockets::is_held_back(socket_kind kind) const {
  return (kind == socket_kind::orders_server || kind == socket_kind::progress_server)
         && handed_up_.is_full();
}

bool sockets::admit(const entry& from, const std::string& key, int descriptor, std::size_t bytes) {
  if (!zap_)
    return true;
  // The key was good when the connection was made; it may have been revoked since.
  bool may
    = zap_->allows(key, from.kind) && allowed_.spend(key, bytes, std::chrono::steady_clock::now());
  if (!may)
    hang_up(descriptor);
  return may;
}

void sockets::receive_from(socket_id id, entry& from, const receiver& deliver) {
  bool routed = from.kind == socket_kind::orders_server;
  bool is_server = routed || from.kind == socket_kind::progress_server;
  for (int i = 0; i < messages_per_turn && !is_held_back(from.kind); ++i) {
    auto message = try_receive(from.socket, routed, zap_.has_value());
    if (!message)
      return;
    unread_.delivered(message->descriptor, message->on_the_wire);
    auto bytes = message->first.size() + message->second.size();
    if (!admit(from, message->key, message->descriptor, bytes))
      continue;
    if (message->frames != (routed ? 2 : 1))
      continue;
    inbound in{id, routed ? std::move(message->first) : "",
               std::move(routed ? message->second : message->first), std::move(message->key)};
    if (is_server)
      in.ticket = handed_up_.add(bytes);
    if (const auto* client = std::get_if<client_keys>(&keys_))
      in.key = client->server_key;
    if (from.kind == socket_kind::orders_client)
      other_has_failed_ = false;
    if (from.kind == socket_kind::events_client && in.bytes == subscription_marker) {
      if (std::exchange(from.subscribed, true))
        continue;
      in.bytes.clear();
    } else if (in.bytes.empty()) {
      continue;
    }
    if (deliver)
      deliver(std::move(in));
  }
}

void sockets::report_handshakes(const receiver& deliver) {
  for (auto& [id, each] : open_) {
    auto failed = each.handshakes ? each.handshakes->next() : std::nullopt;
    if (!failed)
      continue;
    if (failed == handshake_failure::other_server_key && try_other_server_key())
      return;
    if (deliver)
      deliver({.socket = id, .failed = failed});
  }
}

/// Each second failure is one with both keys, of which the receiver hears. All sockets lead to the
/// same server, and only those for orders tell of failures.
bool sockets::try_other_server_key() {
  auto* client = std::get_if<client_keys>(&keys_);
  if (!client || client->other_server_key.empty())
    return false;
  other_has_failed_ = !other_has_failed_;
  if (!other_has_failed_)
    return false;
  std::swap(client->server_key, client->other_server_key);
  for (const auto& [id, former] : std::exchange(open_, {}))
    // One that cannot be opened says nothing: its owner takes another one after a while.
    static_cast<void>(open(id, former.kind, former.endpoint));
  return true;
}

void sockets::answer_subscribers(entry& publisher) {
  bool somebody_new = false;
  for (int i = 0; i < messages_per_turn; ++i) {
    auto message = try_receive(publisher.socket, false, zap_.has_value());
    if (!message)
      break;
    unread_.delivered(message->descriptor, message->on_the_wire);
    bool subscribes = message->first.starts_with('\1');
    somebody_new |= subscribes;
    if (subscribes && zap_ && !publisher.watchers.add(std::move(message->key), message->descriptor))
      hang_up(message->descriptor);
  }
  if (somebody_new)
    try_send(publisher.socket, std::string{subscription_marker}, zmq::send_flags::none);
}

} // namespace deployminator::bus
