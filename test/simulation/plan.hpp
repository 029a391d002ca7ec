#pragma once

#include "messages/wire.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulation/program.hpp"
#include "simulation/timeline.hpp"

namespace deployminator::simulation {

/// What may go wrong.
enum class fault_kind {
  server_dies,
  /// The other server takes over while this one may still live.
  takeover,
  agent_dies,
  machine_reboots,
  /// This server loses the database, the other one takes over, and a client comes from the new one
  /// back to the old.
  split,
  /// A process does not run for a while, then goes on as if nothing had been.
  freeze,
  /// Clocks are set to something else.
  clock_jumps,
  /// An agent is started again with another machine group more or less.
  regrouped,
  disk_full,
  program_ends,
  /// A program ends, and another process takes its port for good.
  port_taken,
  /// Nothing comes through, to or from a host.
  cut_to,
  cut_from,
  /// Messages get lost, doubled, or late and overtaken.
  lossy,
  repeating,
  slow_network,
  database_away,
  /// Commits fail, before they are made or after.
  commits_fail,
  commits_unknown,
  artifacts_slow,
  artifacts_break_off,
  artifacts_wrong,
  /// An agent or the servers are replaced by another release, which says more than this one knows,
  /// or back; it dies as it would else.
  upgraded,
};

inline constexpr std::array<std::string_view, 23> fault_names{
  "server dies",     "takeover",       "agent dies",
  "machine reboots", "split",          "freeze",
  "clock jumps",     "regrouped",      "disk full",
  "program ends",    "port taken",     "cut to",
  "cut from",        "lossy",          "repeating",
  "slow network",    "database away",  "commits fail",
  "commits unknown", "artifacts slow", "artifacts break off",
  "artifacts wrong", "upgraded"};

static_assert(fault_names.size() == static_cast<std::size_t>(fault_kind::upgraded) + 1);

struct fault {
  /// Stays the same when others are left out.
  std::uint32_t number = 0;
  fault_kind kind{};
  moment at{0};
  moment lasts{0};
  /// The machine, server or client concerned; empty where the kind says it.
  std::string who;
  /// What is left of details: after how many messages, which program, how far a clock goes wrong.
  std::uint64_t detail = 0;
};

/// `  3  12.500000 agent dies m4, 2.5 s`
std::string to_text(const fault& f);

struct machine_plan {
  std::string name;
  std::vector<std::string> groups;
  moment joins{0};
  /// Switched off for good.
  std::optional<moment> leaves;
  /// Its own configuration leads public port 80 to the first port of group `g0`.
  bool has_public_port = false;
};

/// What a person or a CI server wants.
struct order_plan {
  moment at{0};
  std::size_t client = 0;
  std::string id;
  messages::message body;
  /// For people.
  std::string text;
  /// Asks what the build would do, and orders just that a while later; unset: orders at once.
  std::optional<moment> plans_ahead;
};

/// All that is going to happen to a farm, drawn from a seed.
struct plan {
  std::uint64_t seed = 0;
  std::vector<machine_plan> machines;
  std::vector<order_plan> orders;
  std::vector<fault> faults;
  /// From here on nothing goes wrong any more.
  moment calm{300s};
  moment end{660s};
};

inline constexpr std::size_t client_count = 2;

/// `machines`: how many; drawn from the seed, 5 to 50, most farms small, where it is not given.
plan make_plan(std::uint64_t seed, std::optional<std::size_t> machines = {});

} // namespace deployminator::simulation
