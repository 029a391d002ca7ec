#pragma once

#include "actors/server.hpp"
#include "agent/agent.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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

/// Where a process of actors runs, one after the other.
class host {
public:
  host(std::string name, surroundings around);
  virtual ~host() = default;
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  /// Kills the process that runs, if any, as `kill -9` does.
  virtual void kill() = 0;
  /// The same after its actors worked on so many more messages; `then` is called once it is gone.
  void kill_after(std::uint64_t messages, std::function<void()> then);
  /// Nothing of the process runs for so long.
  void freeze(moment length);

  [[nodiscard]] bool runs() const {
    return static_cast<bool>(process_);
  }
  [[nodiscard]] const std::string& name() const {
    return name_;
  }

protected:
  /// The next process, with actors in it that get what comes in through `gateway`, and its sockets.
  process& begin(std::shared_ptr<actors::gateway_actor> gateway);
  /// Calls `what` later, unless the process that runs now is gone by then.
  void later(moment wait, std::function<void()> what);

  std::string name_;
  surroundings around_;
  std::uint64_t lives_ = 0;
  std::unique_ptr<network::process_bus> bus_;
  std::unique_ptr<process> process_;
};

/// An address at which a server may run, and the server while it does.
class server_host : public host {
public:
  server_host(std::string name, surroundings around, database& db);
  /// The process ends before what its actors use.
  ~server_host() override {
    process_.reset();
  }

  /// Starts it, unless it runs. While another server leads it stands by: it waits for its turn, and
  /// nobody hears anything at its address.
  void start();
  void kill() override;

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
  [[nodiscard]] std::string endpoint(int port) const;
  void stand_by();

  database& db_;
  dice dice_;
  std::uint64_t epoch_ = 0;
  /// Counts the waits: those that are over, or were cut off, lead to nothing.
  std::uint64_t waits_ = 0;
  std::unique_ptr<store::store> connection_;
};

/// A machine and the agent on it, while it runs.
class agent_host : public host {
public:
  agent_host(std::string name, std::vector<std::string> groups, surroundings around,
             const artifact_server& web, programs& all, std::vector<std::string> servers);
  ~agent_host() override {
    process_.reset();
  }

  void start();
  void kill() override;
  /// Starts it anew, with this machine group where it lacked it, else without.
  void toggle_group(const std::string& group);

  machine box;

private:
  std::vector<std::string> groups_;
  std::vector<std::string> servers_;
  agent::outside world_;
};

} // namespace deployminator::simulation
