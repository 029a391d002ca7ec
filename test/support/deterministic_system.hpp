#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace deployminator::test {

/// A CAF system without threads, in which time passes and actors run only when told to. Whoever has
/// one ends the actors before it goes.
class deterministic_system {
  caf::actor_system_config config_;

public:
  deterministic_system()
    : system((config_.set("scheduler.policy", caf::atom("testing")), config_)),
      scheduler(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())) {}
  deterministic_system(const deterministic_system&) = delete;
  deterministic_system& operator=(const deterministic_system&) = delete;

  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
};

} // namespace deployminator::test
