#pragma once

#include "actors/decisions/moment.hpp"
#include "actors/decisions/plan.hpp"
#include "messages/change.hpp"
#include "messages/duration.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Keeping what is deployed as it should be while machines come, go and change their machine
/// groups.
namespace deployminator::actors {

/// What has to be placed for a group: all that its deployed version should have. Nothing where
/// there is none, or a rollout is under way.
std::vector<wish> upkeep_wishes(const messages::farm& f, std::uint64_t group_id);

/// What was decided about a group.
struct upkeep {
  /// A rollout within the version, or nothing.
  messages::change what;
  /// Something is lacking that could not be placed, or is on a machine that left its groups and
  /// cannot leave it yet: look again later.
  bool lacking = false;
};

/// Adds what is missing and takes away what is on machines that left the application's machine
/// groups, or drain, once all that should be elsewhere is ready. Where a machine is back whose
/// instances were replaced, those that are too many stop: the longest ready stay.
upkeep decide_upkeep(const messages::farm& f, std::uint64_t group_id, const plan& p,
                     const std::string& occasion, const moment& m, const silence& quiet = {});

/// Which groups have to be looked at, and when. Moments are durations on a clock that never jumps.
class upkeep_list {
public:
  /// Something happened to the group.
  void want(std::uint64_t group_id, const std::string& occasion);

  /// A rollout has begun that brings what was missing; its end is waited for.
  void moving(std::uint64_t group_id);

  /// Nothing is lacking.
  void satisfied(std::uint64_t group_id);

  /// Something is: it is looked at again after a wait that doubles each time.
  void lacking(std::uint64_t group_id, messages::duration now);

  /// The next group to be looked at, which is then off the list; nothing while none is due.
  std::optional<std::uint64_t> take(messages::duration now);

  /// When the next one is due; nothing where none is waiting.
  [[nodiscard]] std::optional<messages::duration> next() const;

  /// What the group was last wanted for.
  [[nodiscard]] std::string occasion_of(std::uint64_t group_id) const;

private:
  struct wait {
    messages::duration length{0};
    messages::duration until{0};
  };

  std::set<std::uint64_t> due_;
  std::map<std::uint64_t, wait> waiting_;
  std::map<std::uint64_t, std::string> occasions_;
};

} // namespace deployminator::actors
