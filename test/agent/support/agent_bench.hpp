#pragma once

#include "agent/agent.hpp"
#include "messages/wire.hpp"
#include "test/support/deterministic_system.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/simulated_machine.hpp"

namespace deployminator::agent {

/// A bus that keeps what is sent.
class recording_bus : public bus::bus {
public:
  messages::result<::deployminator::bus::socket_id> open(::deployminator::bus::socket_kind kind,
                                                         const std::string& endpoint) override;
  void close(::deployminator::bus::socket_id socket) override;
  void send(::deployminator::bus::socket_id socket, std::string peer, std::string bytes) override;
  void trust(::deployminator::bus::trusted_keys) override {}

  struct open_socket {
    ::deployminator::bus::socket_kind kind;
    std::string endpoint;
  };
  std::map<::deployminator::bus::socket_id, open_socket> sockets;
  /// What went over sockets for orders, and what over those for progress.
  std::vector<messages::envelope> orders;
  std::vector<messages::envelope> progress;

private:
  ::deployminator::bus::socket_id last_ = 0;
};

/// An agent under CAF's deterministic scheduler on a simulated machine; the test is its server.
class agent_bench {
public:
  agent_bench();
  ~agent_bench();
  agent_bench(const agent_bench&) = delete;
  agent_bench& operator=(const agent_bench&) = delete;

  /// Starts the agent's process; again after `crash`.
  void start();
  /// Ends it between two steps; the machine goes on.
  void crash();

  /// Runs all that can be done without time passing.
  void settle();
  /// Lets time pass, in small steps; the server says a heartbeat every second.
  void pass(std::chrono::milliseconds time);

  /// The server says something.
  void say(messages::message body, std::uint64_t epoch = 0, std::uint64_t id = 0);
  /// Answers the hello: there is a session from now on.
  void welcome(bool report_wanted = false);
  /// Sends everything that is wanted, in one message.
  void assign(std::uint64_t generation, const std::vector<messages::instance_spec>& wanted);

  /// The messages of one type that the agent sent and that were not looked at yet.
  template <class T>
  std::vector<T> heard() {
    std::vector<T> out;
    std::erase_if(wire.orders, [&](const messages::envelope& e) {
      const auto* found = std::get_if<T>(&e.body);
      if (found)
        out.push_back(*found);
      return found != nullptr;
    });
    return out;
  }

  /// The server's table: what the reports say, confirmed by `believe`.
  std::map<std::string, messages::observation> seen;
  std::vector<messages::observation> gone;
  messages::public_ports ports;
  agent::troubles troubles;
  /// Takes and confirms all reports.
  void believe();

  messages::instance_spec spec(const std::string& id, messages::instance_goal goal) const;

  std::uint64_t epoch = 7;
  bool server_is_silent = false;
  /// What the server's heartbeats tell, less the machine's time; unset: they tell no time.
  std::optional<std::chrono::seconds> server_is_ahead;
  std::vector<std::string> servers{"tcp://127.0.0.1:4001"};
  /// What the server's connections prove; empty: no keys are used.
  std::string server_key;
  key_keeper* key = nullptr;
  recording_bus wire;
  simulated_machine machine;

  /// The actors live in here; a crash destroys it.
  struct process : test::deterministic_system {
    explicit process(std::chrono::nanoseconds now);
    outside world;
    common::gateway_actor gateway;
    journal_actor journal;
    agent_actor agent;
  };
  std::unique_ptr<process> running;

private:
  std::chrono::nanoseconds now_{std::chrono::hours{1}};
  std::chrono::nanoseconds last_heartbeat_{0};
};

} // namespace deployminator::agent
