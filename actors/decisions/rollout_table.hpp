#pragma once

#include "messages/enum_text.hpp"
#include "messages/farm.hpp"

/// What becomes of a group's rollout when somebody orders something else meanwhile:
///
///                 another    undeploy   stop       start,  promote  abort   pause   resume  drain
///                 version                          restart
///   at rest       begins     begins     begins     begins  refused  cleans  refused refused begins
///   fetching      supersedes supersedes supersedes refused refused  reverts pauses  refused
///   follows on trial      supersedes supersedes supersedes refused promotes reverts pauses refused
///   follows starting      supersedes supersedes supersedes refused refused  reverts pauses refused
///   follows stopping old  completes  supersedes completes  refused refused  refused refused
///   refused follows stopping new  fails      fails      fails      refused refused  refused
///   refused refused follows
///
/// `drain`: a machine drains on which the group has instances; what is under way places nothing
/// more, and ends as it would else.
/// One that is paused already is resumed and not paused, and is else as if it were not; the
/// version does not change where the rollout is a `start`, a `restart` or an upkeep: then `start`
/// and `restart` take its place as another version would. What nobody ordered cannot be held.
namespace deployminator::actors {

/// Where a group is.
enum class situation { at_rest, fetching, on_trial, starting, stopping_old, stopping_new };

/// What somebody orders.
enum class intervention {
  another_version,
  undeploy,
  stop,
  start_or_restart,
  promote,
  abort,
  pause,
  resume,
  drain,
};

/// What follows for the rollout that is under way.
enum class effect {
  /// The order makes no sense now.
  refused,
  /// There is none: one begins.
  begins,
  /// It ends as superseded, and what it brought stops.
  supersedes,
  /// It ends as succeeded, for every instance was ready.
  completes,
  /// It ends as failed, which it had before.
  fails,
  /// It brings the rest.
  promotes,
  /// What it brought stops; then it ends as reverted.
  reverts,
  /// What a failed one left for looking at stops.
  cleans,
  /// It holds.
  pauses,
  /// It goes on.
  resumes,
  /// It goes on, and what was ordered begins when it has ended.
  follows,
};

/// Where the group with this rollout is; null: none is under way.
situation situation_of(const messages::rollout* r);

/// The table's cell.
effect effect_of(const messages::rollout* r, intervention what);

} // namespace deployminator::actors

template <>
struct deployminator::messages::enum_text<deployminator::actors::situation> {
  static constexpr std::array<std::string_view, 6> names{
    "at rest", "fetching", "on trial", "starting", "stopping old", "stopping new"};
};

template <>
struct deployminator::messages::enum_text<deployminator::actors::intervention> {
  static constexpr std::array<std::string_view, 9> names{
    "another version", "undeploy", "stop", "start or restart", "promote", "abort",
    "pause",           "resume",   "drain"};
};
