#pragma once

#include "test/support/deterministic_system.hpp"

#include <caf/all.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulation/timeline.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// A process of actors in virtual time: runs when something is due, can be frozen, and can be
/// killed between any two messages that an actor works on.
class process {
public:
  /// `seed` decides which of several actors that could run does.
  process(std::string name, timeline& clock, trace& record, std::uint64_t seed);
  /// Kills it.
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  caf::actor_system& system() {
    return caf_.system;
  }
  [[nodiscard]] const std::string& name() const {
    return name_;
  }

  /// The actors that `kill` has to end; the others must end with them.
  void own(std::vector<caf::actor> actors);

  /// An actor that blocks in production, on a disk or a database: its answers take this long.
  void slow_down(const caf::actor& slow, moment from, moment to);

  /// Something came in from outside: it runs at the present time, as soon as it can.
  void wake();

  /// Nothing of it runs for so long.
  void freeze(moment length);

  /// It is killed after its actors worked on so many more messages, and `then` is called.
  void kill_after(std::uint64_t messages, std::function<void()> then);

  /// Called when it has worked off all there was to do.
  std::function<void()> on_idle;

private:
  void run();
  bool run_one();
  void schedule();
  void kill();

  std::string name_;
  timeline& clock_;
  trace& record_;
  dice dice_;
  test::deterministic_system caf_;
  std::vector<caf::actor> actors_;

  struct slow_actor {
    caf::resumable* job = nullptr;
    moment from{0};
    moment to{0};
    std::optional<moment> ready_at;
  };
  std::vector<slow_actor> slow_;
  moment frozen_until_{0};
  std::optional<moment> wake_at_;
  std::optional<std::uint64_t> messages_left_;
  std::function<void()> when_killed_;
  bool running_ = false;
  /// Outlives the process: tells what is on the timeline whether it is still there.
  std::shared_ptr<bool> exists_ = std::make_shared<bool>(true);
};

} // namespace deployminator::simulation
