#pragma once

#include "agent/interfaces.hpp"

#include <optional>
#include <string>

namespace deployminator::agent {

/// What an INSTANCE is spawned with.
struct instance_config {
  spec_ptr spec;
  /// The machine's name.
  std::string machine;
  /// What an earlier agent left of it.
  std::optional<found_instance> found;
  std::optional<instance_record> record;
  /// Must outlive the actor.
  outside* world = nullptr;
  observer_actor observer;
  fetcher_actor fetcher;
  journal_actor journal;
};

/// What an INSTANCE remembers.
struct instance_state {
  static inline constexpr const char* name = "instance";
  instance_life life;
  outside* world = nullptr;
  observer_actor observer;
  fetcher_actor fetcher;
  journal_actor journal;
  /// What the AGENT and the JOURNAL were told last.
  messages::observation told;
  instance_record noted;
};

instance_actor::behavior_type instance(instance_actor::stateful_pointer<instance_state> self,
                                       instance_config config);

} // namespace deployminator::agent
