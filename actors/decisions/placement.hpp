#pragma once

#include "actors/decisions/redistribute.hpp"
#include "messages/application.hpp"
#include "messages/farm.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Where instances go: what a strategy is asked, and the placements themselves.
namespace deployminator::actors {

/// A machine that an instance could be put on, as a strategy sees it.
struct candidate {
  std::string machine;
  /// False: out of reach now. Nothing new is put there, what is there stays counted.
  bool reachable = true;
  std::uint64_t memory_mb = 0;
  /// The sum of what the instances on it are promised.
  std::uint64_t promised_mb = 0;
  /// Instances of all applications on it.
  std::uint64_t instances = 0;
  /// Instances of this application's version on it.
  std::uint64_t own = 0;
};

/// Asks a strategy where the missing instances of an application go.
struct placement_request {
  /// `namespace/group/application`, for reasons and for breaking ties.
  std::string subject;
  messages::application app;
  /// The machines of the application's machine groups, or those that it names, by name.
  std::vector<candidate> candidates;
  /// By machine: the instances of the deployed version, where that names the same strategy and it
  /// is one of another process.
  std::optional<std::map<std::string, std::uint64_t>> last;
  /// As in `placement_rules`.
  std::uint64_t overcommit_percent = 0;
};

/// A strategy's answer: one machine for each instance to add, and why these.
struct placement {
  std::vector<std::string> add;
  std::string reason;
  /// Fewer than are wanted, for no more may be placed now: `reason` says why.
  bool is_short = false;

  bool operator==(const placement&) const = default;
};

/// What an application is called where it is placed.
std::string subject_of(const std::string& namespace_, const std::string& group,
                       const std::string& application);

/// The application as `redistribute` is asked about it, by whoever places it; `subject` as in
/// `placement_request`.
wanted_application wanted_for(const std::string& subject, const messages::application& app);

/// What the next three have in common: no machine gets more than `app.max_per_machine` and, where
/// memory is counted, none is promised more than it has. What is too much for all is left out.
///
/// Spreads `app.instances` over the machines: always onto the one with the fewest instances of this
/// application, then with the fewest of all, then the next one, round and round from where the
/// application begins, so that different applications begin on different machines.
/// Where they count for each machine: so many onto each.
messages::result<placement> place_spread(const placement_request& request);

/// Fills few machines: always the one that promises the most memory already and has room for
/// another instance's `limits.maxmemory`. Where none has, the one with the most memory left. Where
/// they count for each machine: so many onto each.
messages::result<placement> place_pack(const placement_request& request);

/// Puts `app.instances` on each reachable machine that has fewer.
messages::result<placement> place_one_per_machine(const placement_request& request);

/// Whether the machine is one that the application may be on, as `may_be_on` (pinned.hpp) says, and
/// does not drain.
bool is_eligible(const messages::machine& machine, const messages::application& app);

/// Why nothing can be placed: no candidate is within reach.
messages::failure nobody_reachable(const placement_request& request);

} // namespace deployminator::actors
