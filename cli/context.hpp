#pragma once

#include "cli/interruption.hpp"
#include "cli/json.hpp"
#include "cli/outcome.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "deploy-configs/settings.hpp"
#include "messages/failure.hpp"

#include <string>

namespace deployminator::cli {

/// What every verb works with: the flags before the verb, and where output goes.
struct context {
  configs::client_settings settings;
  /// One JSON document, or one object a line, instead of text for people.
  bool json = false;
  /// Bars and colours, where the output is a terminal.
  bool rich = false;
  /// In which zone times are told.
  time_zone zone = time_zone::local;
  /// Whether the user asked to stop.
  interruption& stop;

  /// Where the servers are and what key to use; throws `setback` where there is no good key file.
  configs::server_access access() const;

  /// What stdout can show of a table or list: on a terminal lines as wide as that, unless they are
  /// wanted `wide`; elsewhere lines of any width.
  canvas page(bool wide) const;
};

/// Tells why something was not done: `{"error": …}` on stdout with `--json`, else a sentence on
/// stderr.
void report(bool as_json, const messages::failure& why);

} // namespace deployminator::cli
