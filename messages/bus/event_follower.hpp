#pragma once

#include "messages/bus/session.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace deployminator::bus {

/// A server publishes something every second; after this silence the subscription is dead.
inline constexpr std::chrono::milliseconds silent_after{3000};
/// How long an answer to `events_after` may take before it is asked again.
inline constexpr std::chrono::milliseconds ask_again_after{2000};
/// Between two questions of who may not listen.
inline constexpr std::chrono::milliseconds between_questions{300};

/// What the owner of an `event_follower` does now.
struct follow_step {
  /// What to show: numbered events in their order, each once, and unnumbered ones as they come.
  std::vector<messages::event> events;
  /// Ask the server for `events_after` this number.
  std::optional<std::uint64_t> ask_after;
  /// Nothing is heard: open the subscription's socket anew. The follower stays.
  bool resubscribe = false;
  /// The server's numbers do not go on from ours (another store, or events dropped that we have
  /// not seen): take a new snapshot and a new follower.
  bool start_over = false;
};

/// Makes one gapless stream of events out of what a watcher hears and what it asks for. Begins
/// with the number that the watcher's snapshot includes.
class event_follower {
public:
  event_follower(time_point now, std::uint64_t seq, std::uint64_t epoch = 0);

  /// The subscription stands (again): asks for what was published before it did.
  follow_step subscribed(time_point now);

  /// There is no subscription: from now on everything is asked for, again and again.
  follow_step by_asking(time_point now);

  /// A message came in over the subscription.
  follow_step published(time_point now, const messages::envelope& e);

  /// The answer to the last `ask_after`, of a server of this epoch; answers to earlier ones are not
  /// for the follower. One by a server that another has taken over from is no answer: it may not
  /// know yet what was published since.
  follow_step answered(time_point now, std::uint64_t epoch, const messages::event_page& page);

  follow_step tick(time_point now);

  /// When `tick` must be called at the latest.
  time_point next_wake() const;

  /// The number of the last event given out.
  std::uint64_t seq() const;

private:
  void take(const messages::event& e, follow_step& step);
  void take_part(const messages::event_page& page, follow_step& step);
  void ask(time_point now, follow_step& step);
  void ask_if_behind(time_point now, follow_step& step);

  std::uint64_t seq_;
  std::uint64_t epoch_;
  /// The highest number known to exist.
  std::uint64_t known_;
  /// Heard before the events that precede them.
  std::map<std::uint64_t, messages::event> early_;
  time_point last_heard_;
  bool asks_only_ = false;
  /// The number of the question that waits for its answer, and when it was asked.
  std::optional<std::uint64_t> asked_;
  time_point asked_at_;
};

} // namespace deployminator::bus
