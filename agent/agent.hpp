#pragma once

#include "agent/decisions/assignment.hpp"
#include "agent/decisions/clock_watch.hpp"
#include "agent/decisions/record_keeping.hpp"
#include "agent/decisions/report_ledger.hpp"
#include "agent/decisions/trouble_book.hpp"
#include "agent/decisions/usage_book.hpp"
#include "agent/instance_roster.hpp"
#include "agent/interfaces.hpp"
#include "agent/server_link.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What an AGENT is started with.
struct agent_config {
  /// The machine's name.
  std::string name;
  /// Its machine groups.
  std::vector<std::string> groups;
  std::uint64_t memory_mb = 0;
  /// Endpoints of servers, tried in turn; at least one.
  std::vector<std::string> servers;
};

/// What the AGENT remembers.
struct agent_state {
  static inline constexpr const char* name = "agent";

  agent_config config;
  outside* world = nullptr;
  journal_actor journal;
  public_ports_actor ports;
  /// Made anew at each start.
  std::string incarnation;

  /// What is held, and what waits until it is on disk.
  record_keeping record;
  assignment_inbox inbox;
  /// Both are there from the start on.
  std::optional<instance_roster> instances;
  std::optional<server_link> link;

  report_ledger ledger;
  trouble_book troubles;
  clock_watch clock;
  /// What instances used when they were measured last.
  usage_book usage;
  /// What was told of instances that wait for a record that cannot be written, by id.
  std::map<std::string, messages::observation> held_up;
  /// When `report` is due from this actor itself.
  std::optional<report_ledger::time_point> report_wake;
  /// The welcome of the present session was worked on.
  bool in_session = false;
};

/// Takes over what an earlier agent left, then keeps a session with a server. `world` must outlive
/// the actor; its launcher's events go to this actor. Ends with an error when the journal is
/// damaged or the machine's instances cannot be found out.
agent_actor::behavior_type agent(agent_actor::stateful_pointer<agent_state> self,
                                 agent_config config, outside* world, common::gateway_actor gateway,
                                 journal_actor journal);

} // namespace deployminator::agent
