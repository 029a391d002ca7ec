#pragma once

#include "messages/bus/bus.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulation/timeline.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// What is wrong between two hosts, in one direction; nothing by default.
struct weather {
  bool cut = false;
  double loss = 0;
  double repeats = 0;
  /// Up to this much is added to each message's way, each on its own: they overtake each other.
  moment delay{0};
};

/// The network of the farm: hosts by name, endpoints `tcp://HOST:PORT`. Behaves as ZeroMQ does:
/// clients' sockets connect again by themselves, what is sent meanwhile is dropped.
class network {
public:
  network(timeline& clock, trace& record, std::uint64_t seed);

  /// The sockets of one process.
  class process_bus : public bus::bus {
  public:
    process_bus(network& net, std::string host, deployminator::bus::receiver to);
    ~process_bus() override;
    process_bus(const process_bus&) = delete;
    process_bus& operator=(const process_bus&) = delete;

    messages::result<deployminator::bus::socket_id> open(deployminator::bus::socket_kind kind,
                                                         const std::string& endpoint) override;
    void close(deployminator::bus::socket_id socket) override;
    void send(deployminator::bus::socket_id socket, std::string peer, std::string bytes) override;
    void trust(deployminator::bus::trusted_keys) override {}

    /// The process is gone: its sockets close, nothing is sent or delivered any more.
    void die();

    /// Sees every message that is sent, with the host it goes to.
    std::function<void(const std::string& to, const std::string& bytes)> on_send;

  private:
    friend class network;
    network& net_;
    std::string host_;
    deployminator::bus::receiver to_;
    bool alive_ = true;
  };

  /// How it is from now on from one host to another, until changed again; `*` is any host.
  void set_weather(const std::string& from, const std::string& to, const weather& w);

  /// Whether what this host says has keys from now on that nobody knows, in every map.
  void toggle_release(const std::string& host);

private:
  struct socket {
    process_bus* owner = nullptr;
    deployminator::bus::socket_kind kind{};
    std::string endpoint;
    /// The host of the other end, for those that connect.
    std::string far_host;
    moment connected_at{0};
    bool subscription_told = false;
    /// The moment of the last arrival, for each direction of a connection: nothing overtakes.
    moment last_up{0};
    moment last_down{0};
  };

  void announce(deployminator::bus::socket_id subscriber);
  void travel(const std::string& from, const std::string& to, moment& last,
              deployminator::bus::socket_id target, std::string peer, const std::string& bytes);
  void arrive(const std::string& from, const std::string& to, deployminator::bus::socket_id target,
              std::string peer, std::string bytes);
  [[nodiscard]] weather weather_between(const std::string& from, const std::string& to) const;
  [[nodiscard]] deployminator::bus::socket_id bound(const std::string& endpoint) const;

  timeline& clock_;
  trace& record_;
  dice dice_;
  std::map<deployminator::bus::socket_id, socket> sockets_;
  std::map<std::string, deployminator::bus::socket_id> bound_;
  /// Subscribers of an endpoint.
  std::map<std::string, std::vector<deployminator::bus::socket_id>> subscribers_;
  std::map<std::pair<std::string, std::string>, weather> weathers_;
  std::set<std::string> later_releases_;
  deployminator::bus::socket_id last_ = 0;
};

} // namespace deployminator::simulation
