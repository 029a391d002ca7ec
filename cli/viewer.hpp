#pragma once

#include "cli/board.hpp"
#include "cli/context.hpp"
#include "cli/sentence.hpp"
#include "cli/tally.hpp"
#include "cli/terminal.hpp"
#include "messages/event.hpp"

#include <optional>

namespace deployminator::cli {

/// Shows events to whoever watches: as JSON, one object a line, on stdout; else on `descriptor`, as
/// a live board where that is a terminal, or as one line per change.
class viewer {
public:
  /// `descriptor`: stdout where the events are what was asked for, stderr where they are progress.
  /// `dated`: lines that stay begin with their time and group, for views of more than one group.
  viewer(const context& c, int descriptor, bool dated);

  /// Whether there is a live view.
  bool is_live() const;

  /// What the live view starts from.
  board& picture();

  /// From now on many instances are told of in numbers where there is no live view.
  void count_many();

  /// From now on the end of a rollout, as JSON, is not shown but kept, so that it can be the last
  /// line when more follows it.
  void hold_end();

  /// Shows the end that was kept, if any, with these keys added.
  void release_end(const json& keys);

  /// Shows an event that arrived at `now`.
  void take(const messages::event& e, messages::timestamp now);

  /// Shows the picture that the events go on from; for views that do not begin empty.
  void introduce(messages::timestamp now);

  /// Redraws the live view, a few times a second at most.
  void refresh(messages::timestamp now);

  /// Draws the live view a last time; it stays where it is.
  void settle(messages::timestamp now);

  /// Says something to people that is no event.
  void say(const std::string& sentence, tone t);

private:
  const context& context_;
  bool dated_;
  terminal screen_;
  board board_;
  narrator narrator_;
  std::optional<tally> tally_;
  bool holds_end_ = false;
  std::optional<messages::event> held_;
  messages::timestamp drawn_;
};

} // namespace deployminator::cli
