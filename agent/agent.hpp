#pragma once

#include "agent/decisions/assignment.hpp"
#include "agent/decisions/report_ledger.hpp"
#include "agent/interfaces.hpp"
#include "agent/server_link.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
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

  struct child {
    instance_actor actor;
    /// Its last order.
    spec_ptr spec;
  };

  agent_config config;
  outside* world = nullptr;
  journal_actor journal;
  fetcher_actor fetcher;
  static_ports_actor ports;
  server_link link;

  std::string identity;
  std::string incarnation;
  /// The highest epoch that is on disk.
  std::uint64_t epoch = 0;
  held_assignment held;
  /// The release that read it from the server.
  std::string read_by = DEPLOYMINATOR_VERSION;
  assignment_inbox inbox;

  /// A record is being written; what arrives meanwhile waits, for it may depend on it.
  agent_record_ptr writing;
  /// What that record holds.
  spec_map to_hold;
  /// The last attempt to write it failed.
  bool unwritten = false;
  bool retry_is_due = false;
  /// Last observations of instances that are gone before it is written; told after that.
  std::vector<messages::observation> gone_ahead;
  /// What to do when it is on disk.
  std::function<void()> when_written;
  std::deque<actors::envelope_ptr> waiting;

  std::map<std::string, child> instances;
  /// Found on the machine by an agent that never had an assignment: left alone until the first.
  std::map<std::string, found_instance> strangers;
  /// How instances are to be stopped that an earlier agent had begun to stop.
  spec_map leaving;
  report_ledger ledger;
  /// When `report` is due from this actor itself.
  std::optional<report_ledger::time_point> report_wake;
  /// The welcome of the present session was worked on.
  bool in_session = false;
};

/// Takes over what an earlier agent left, then keeps a session with a server. `world` must outlive
/// the actor; its launcher's events go to this actor. Ends with an error when the journal is
/// damaged or the machine's instances cannot be found out.
agent_actor::behavior_type agent(agent_actor::stateful_pointer<agent_state> self,
                                 agent_config config, outside* world, actors::gateway_actor gateway,
                                 journal_actor journal);

} // namespace deployminator::agent
