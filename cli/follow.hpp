#pragma once

#include "cli/client.hpp"
#include "cli/scope.hpp"
#include "cli/viewer.hpp"
#include "messages/event.hpp"

#include <functional>
#include <optional>

namespace deployminator::cli {

/// Why following ended.
enum class follow_end {
  /// What was waited for has happened.
  finished,
  /// The user pressed Ctrl-C.
  stopped,
  /// The time allowed is over.
  out_of_time,
  /// The server's events do not go on from those shown, see `client::is_history_broken`.
  history_broken,
};

/// Shows the events of a scope as they come, each once and in order, whatever happens to the
/// server in between, until `is_last` says so of one, the user stops it, or `deadline` is over,
/// which `is_last` may move. `client::follow` was called before. `between` is called at least every
/// second.
follow_end follow(client& from, viewer& to, const scope& what,
                  const std::optional<client::clock::time_point>& deadline,
                  const std::function<bool(const messages::event&)>& is_last,
                  const std::function<void()>& between = {});

} // namespace deployminator::cli
