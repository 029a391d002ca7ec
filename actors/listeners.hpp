#pragma once

#include "actors/decisions/consequences.hpp"
#include "actors/decisions/presence.hpp"
#include "actors/interfaces.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace deployminator::actors {

/// Whom the DEPLOYMINATOR tells of what is committed: the MACHINES, a ROLLOUT for each group that
/// is being rolled out, UPKEEP, and the doorkeeper. Knows what each was told, and tells each no
/// more than what is new. All functions are called between two commits, with the farm as it is
/// stored.
class listeners {
public:
  /// The DEPLOYMINATOR itself, which sends.
  using speaker = deployminator_actor::pointer;

  void set_upkeep(upkeep_actor upkeep);
  void set_doorkeeper(speaker self, const messages::farm& f, doorkeeper_actor doorkeeper);

  /// A machine's agent is connected, and holds or is about to hold this generation.
  void add_machine(const std::string& name, machine_actor actor, std::uint64_t generation);
  void drop_machine(const std::string& name);
  /// A MACHINE has got an assignment of this generation otherwise.
  void machine_was_told(const std::string& name, std::uint64_t generation);
  /// Null where its agent is not connected.
  [[nodiscard]] const machine_actor* machine_named(const std::string& name) const;
  /// Those whose agents are connected, by name.
  [[nodiscard]] std::map<std::string, machine_actor> machines() const;

  /// Whom a committed change concerns hears of it.
  void tell(speaker self, const messages::farm& f, const presence& machines,
            const messages::change& c);

  /// What anybody was told may not be so: they hear everything anew.
  void tell_all_anew(speaker self, const messages::farm& f, const presence& machines);

  /// A machine has come or gone: the rollouts that have something on it hear of it.
  void tell_rollouts_on(speaker self, const messages::farm& f, const presence& machines,
                        const std::string& machine);

  /// Something happened that may concern what every group lacks.
  void want_upkeep(speaker self, const messages::farm& f, const std::string& occasion);

  /// The group's ROLLOUT has decided something, which is to be committed: it gets no news until
  /// `rollout_has_thought`. False: there is none.
  bool rollout_thinks(std::uint64_t group_id);
  void rollout_has_thought(speaker self, const messages::farm& f, const presence& machines,
                           std::uint64_t group_id);

private:
  struct connected_machine {
    machine_actor actor;
    /// The generation of the assignment that the MACHINE was told of last.
    std::uint64_t generation = 0;
  };

  struct running_rollout {
    rollout_actor actor;
    /// The rollout that it was told of.
    std::uint64_t id = 0;
    rollout_consequence news;
    bool thinks = false;
  };

  void tell_keys(speaker self, const messages::farm& f);
  void tell_machine(speaker self, const messages::farm& f, const std::string& name);
  void tell_rollout(speaker self, const messages::farm& f, const presence& machines,
                    std::uint64_t group_id);
  void tell_next_moves(speaker self, const messages::farm& f, const presence& machines);
  running_rollout& rollout_of(speaker self, std::uint64_t group_id);
  void end_rollout(speaker self, std::uint64_t group_id);

  std::map<std::string, connected_machine> machines_;
  /// By group id.
  std::map<std::uint64_t, running_rollout> rollouts_;
  upkeep_actor upkeep_;
  doorkeeper_actor doorkeeper_;
};

} // namespace deployminator::actors
