#pragma once

#include "actors/decisions/change_queue.hpp"
#include "actors/decisions/presence.hpp"
#include "actors/decisions/retention.hpp"
#include "actors/decisions/silence.hpp"
#include "actors/interfaces.hpp"
#include "actors/listeners.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace deployminator::actors {

/// How long after its start the server believes that its machines come back.
inline constexpr std::chrono::seconds return_grace{5};

/// What the DEPLOYMINATOR is given.
struct deployminator_config {
  registrar_actor registrar;
  /// The farm as the store has it.
  farm_ptr farm;
  /// The public key of the operator who set the server up; empty: none.
  std::string first_operator;
  std::function<messages::timestamp()> utc_now;
  std::function<std::uint64_t()> random;
  /// Nobody connects but with a key; an agent's names its machine.
  bool asks_for_keys = false;
  /// Of each group.
  std::size_t kept_versions = usual_kept_versions;
  /// As in `placement_rules`.
  std::uint64_t overcommit_percent = 0;
  silence_rules silence;
};

/// What the DEPLOYMINATOR remembers.
struct deployminator_state {
  static inline constexpr const char* name = "deployminator";
  deployminator_config config;
  change_queue queue{{}};
  presence present;
  actors::listeners listeners;
  /// Machines whose agents have said hello and are not answered yet.
  std::multiset<std::string> joining;
  /// Since when machines are silent, by a clock that never jumps: all that everybody was told are
  /// out of reach.
  std::map<std::string, messages::duration> silent_since;
  /// Machines that are back, and whose instances may be others than those that are stored.
  std::set<std::string> unheard;
  /// What waits until it is known which machines are there.
  std::vector<std::function<void()>> held_back;
  /// The number of the next look for absent machines; those before it are dropped, so that many
  /// losses at once make one look.
  std::uint64_t last_look = 0;
  /// Somebody has joined since the last look.
  bool still_coming = false;
  /// The lease is being renewed.
  bool asks_for_lead = false;
  /// It is being tried whether something can be stored again.
  bool tries_store = false;
  /// Until then no other server can have taken over.
  caf::actor_clock::time_point sure_until;
  /// When the lease was renewed last, for people.
  messages::timestamp last_renewal;
  /// Why nothing can be stored.
  std::optional<messages::machine_trouble> store_trouble;
  /// By strategy: why it does not place what it should.
  std::map<std::string, messages::machine_trouble> strategy_troubles;
};

/// Ends with an error where another server has taken over, or one of its actors failed.
deployminator_actor::behavior_type
deployminator(deployminator_actor::stateful_pointer<deployminator_state> self,
              deployminator_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::deployminator_config)
