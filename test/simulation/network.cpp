#include "simulation/network.hpp"

#include "test/messages/unknown_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace deployminator::simulation {

using deployminator::bus::inbound;
using deployminator::bus::socket_id;
using deployminator::bus::socket_kind;
using messages::failure;
using messages::failure_code;

namespace {

constexpr moment shortest_way = 50us;
constexpr moment longest_way = 800us;

bool binds(socket_kind kind) {
  return kind == socket_kind::orders_server || kind == socket_kind::events_server
         || kind == socket_kind::progress_server;
}

std::string host_of(const std::string& endpoint) {
  auto begin = endpoint.find("//") + 2;
  return endpoint.substr(begin, endpoint.rfind(':') - begin);
}

/// A connection's name at the server: which socket, and of which server's life.
std::string peer_of(socket_id client, socket_id server) {
  return fmt::format("{}-{}", client, server);
}

socket_id client_of(const std::string& peer) {
  socket_id out = 0;
  std::from_chars(peer.data(), peer.data() + peer.find('-'), out);
  return out;
}

} // namespace

network::network(timeline& clock, trace& record, std::uint64_t seed)
  : clock_(clock), record_(record), dice_(seed, "network") {}

void network::set_weather(const std::string& from, const std::string& to, const weather& w) {
  weathers_[{from, to}] = w;
}

void network::toggle_release(const std::string& host) {
  if (later_releases_.erase(host) == 0)
    later_releases_.insert(host);
}

weather network::weather_between(const std::string& from, const std::string& to) const {
  if (weathers_.empty())
    return {};
  weather out;
  const std::string any = "*";
  for (const auto& key :
       {std::pair{from, to}, std::pair{any, to}, std::pair{from, any}, std::pair{any, any}}) {
    auto found = weathers_.find(key);
    if (found == weathers_.end())
      continue;
    out.cut |= found->second.cut;
    out.loss = std::max(out.loss, found->second.loss);
    out.repeats = std::max(out.repeats, found->second.repeats);
    out.delay = std::max(out.delay, found->second.delay);
  }
  return out;
}

socket_id network::bound(const std::string& endpoint) const {
  auto found = bound_.find(endpoint);
  return found == bound_.end() ? 0 : found->second;
}

/// Tells a subscriber, once, that its subscription stands.
void network::announce(socket_id subscriber) {
  clock_.after(dice_.between(shortest_way, longest_way), [this, subscriber] {
    auto found = sockets_.find(subscriber);
    if (found == sockets_.end() || found->second.subscription_told
        || !bound(found->second.endpoint))
      return;
    auto& each = found->second;
    if (weather_between(each.owner->host_, each.far_host).cut
        || weather_between(each.far_host, each.owner->host_).cut)
      return clock_.after(500ms, [this, subscriber] { announce(subscriber); });
    each.subscription_told = true;
    each.connected_at = clock_.now();
    each.owner->to_({subscriber, {}, {}});
  });
}

void network::travel(const std::string& from, const std::string& to, moment& last, socket_id target,
                     std::string peer, const std::string& bytes) {
  auto w = weather_between(from, to);
  record_.mix(bytes);
  if (w.cut || (w.loss > 0 && dice_.chance(w.loss)))
    return;
  int copies = w.repeats > 0 && dice_.chance(w.repeats) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto when = clock_.now() + dice_.between(shortest_way, longest_way);
    if (w.delay > moment{0})
      when += dice_.between(moment{0}, w.delay);
    else
      when = last = std::max(last, when);
    clock_.at(when, [this, from, to, target, peer, bytes]() mutable {
      arrive(from, to, target, std::move(peer), std::move(bytes));
    });
  }
}

void network::arrive(const std::string& from, const std::string& to, socket_id target,
                     std::string peer, std::string bytes) {
  auto found = sockets_.find(target);
  if (found == sockets_.end() || weather_between(from, to).cut)
    return;
  found->second.owner->to_({target, std::move(peer), std::move(bytes)});
}

network::process_bus::process_bus(network& net, std::string host, deployminator::bus::receiver to)
  : net_(net), host_(std::move(host)), to_(std::move(to)) {}

network::process_bus::~process_bus() {
  die();
}

void network::process_bus::die() {
  std::vector<socket_id> mine;
  for (const auto& [id, each] : net_.sockets_)
    if (each.owner == this)
      mine.push_back(id);
  for (auto id : mine)
    close(id);
  alive_ = false;
}

messages::result<socket_id> network::process_bus::open(socket_kind kind,
                                                       const std::string& endpoint) {
  if (!alive_)
    return failure{failure_code::internal, "the process is gone", ""};
  if (binds(kind) && net_.bound(endpoint))
    return failure{failure_code::refused, endpoint + " is in use", ""};
  auto id = ++net_.last_;
  auto& mine = net_.sockets_[id];
  mine = {this, kind, endpoint, host_of(endpoint), net_.clock_.now()};
  mine.connected_at += net_.dice_.between(shortest_way, longest_way);
  if (kind == socket_kind::events_client) {
    net_.subscribers_[endpoint].push_back(id);
    net_.announce(id);
  }
  if (binds(kind)) {
    net_.bound_[endpoint] = id;
    if (kind == socket_kind::events_server)
      for (auto each : net_.subscribers_[endpoint])
        net_.announce(each);
  }
  return id;
}

void network::process_bus::close(socket_id socket) {
  auto found = net_.sockets_.find(socket);
  if (!alive_ || found == net_.sockets_.end())
    return;
  const auto& endpoint = found->second.endpoint;
  if (binds(found->second.kind))
    net_.bound_.erase(endpoint);
  else if (found->second.kind == socket_kind::events_client)
    std::erase(net_.subscribers_[endpoint], socket);
  net_.sockets_.erase(found);
}

void network::process_bus::send(socket_id id, std::string peer, std::string bytes) {
  auto found = net_.sockets_.find(id);
  if (!alive_ || found == net_.sockets_.end())
    return;
  if (net_.later_releases_.contains(host_))
    bytes = test::with_unknown_keys(bytes);
  auto& mine = found->second;
  auto tell = [&](const std::string& to) {
    if (on_send)
      on_send(to, bytes);
  };
  switch (mine.kind) {
    case socket_kind::orders_client:
    case socket_kind::progress_client: {
      auto server = net_.bound(mine.endpoint);
      tell(mine.far_host);
      if (server == 0 || net_.clock_.now() < mine.connected_at)
        return;
      auto name = mine.kind == socket_kind::orders_client ? peer_of(id, server) : std::string{};
      return net_.travel(host_, mine.far_host, mine.last_up, server, std::move(name), bytes);
    }
    case socket_kind::orders_server: {
      auto client = client_of(peer);
      auto other = net_.sockets_.find(client);
      // A connection of an earlier server's life, or of one that is closed.
      if (other == net_.sockets_.end() || peer != peer_of(client, id))
        return;
      auto& far = other->second;
      tell(far.owner->host_);
      return net_.travel(host_, far.owner->host_, far.last_down, client, {}, bytes);
    }
    case socket_kind::events_server:
      for (auto each : net_.subscribers_[mine.endpoint]) {
        auto& far = net_.sockets_.at(each);
        if (far.subscription_told)
          net_.travel(host_, far.owner->host_, far.last_down, each, {}, bytes);
      }
      return;
    case socket_kind::events_client:
    case socket_kind::progress_server:
      return;
  }
}

} // namespace deployminator::simulation
