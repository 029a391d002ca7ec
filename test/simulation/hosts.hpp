#pragma once

#include "actors/server.hpp"
#include "agent/agent.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "simulation/database.hpp"
#include "simulation/machine.hpp"
#include "simulation/network.hpp"
#include "simulation/process.hpp"

namespace deployminator::simulation {

/// Between the end of a process that ended by itself and its next start by the service manager.
inline constexpr moment service_restart = 2s;

/// What the hosts of a farm share.
struct surroundings {
  timeline& clock;
  trace& record;
  network& net;
  std::uint64_t seed = 0;
};

/// An address at which a server may run, and the server while it does.
class server_host {
public:
  server_host(std::string name, surroundings around, database& db);

  /// Starts it, unless it runs; tries until it succeeds.
  void start();
  /// Kills it.
  void kill();
  /// Kills it after its actors worked on so many more messages; `then` is called once it is gone.
  void kill_after(std::uint64_t messages, std::function<void()> then);
  void freeze(moment length);

  [[nodiscard]] bool runs() const {
    return static_cast<bool>(process_);
  }
  [[nodiscard]] const std::string& name() const {
    return name_;
  }
  /// Of the server that runs, or ran last.
  [[nodiscard]] std::uint64_t epoch() const {
    return epoch_;
  }
  [[nodiscard]] std::string address() const;

  /// Sees every message the server sends, and to whom.
  std::function<void(const std::string& to, const std::string& bytes)> on_send;
  /// It ended by itself.
  std::function<void()> on_end;
  /// UTC goes wrong by so much.
  moment clock_error{0};

private:
  void start_once();
  [[nodiscard]] std::string endpoint(int port) const;

  std::string name_;
  surroundings around_;
  database& db_;
  dice dice_;
  bool wanted_ = false;
  std::uint64_t lives_ = 0;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<store::store> connection_;
  std::unique_ptr<network::process_bus> bus_;
  std::unique_ptr<process> process_;
};

/// A machine and the agent on it, while it runs.
class agent_host {
public:
  agent_host(std::string name, std::vector<std::string> groups, surroundings around,
             const artifact_server& web, programs& all, std::vector<std::string> servers);

  void start();
  void kill();
  void kill_after(std::uint64_t messages, std::function<void()> then);
  void freeze(moment length);
  /// Starts it anew, with this machine group where it lacked it, else without.
  void toggle_group(const std::string& group);

  [[nodiscard]] bool runs() const {
    return static_cast<bool>(process_);
  }
  [[nodiscard]] const std::string& name() const {
    return name_;
  }

  machine box;
  std::function<void(const std::string& to, const std::string& bytes)> on_send;

private:
  std::string name_;
  std::vector<std::string> groups_;
  surroundings around_;
  std::vector<std::string> servers_;
  std::uint64_t lives_ = 0;
  agent::outside world_;
  std::unique_ptr<network::process_bus> bus_;
  std::unique_ptr<process> process_;
};

} // namespace deployminator::simulation
