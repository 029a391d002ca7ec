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
  /// Whether the user asked to stop.
  interruption& stop;

  /// Where the servers are and what key to use; throws `setback` where there is no good key file.
  configs::server_access access() const;

  /// Whether tables on stdout may have colours.
  bool rich_tables() const;
};

/// Tells why something was not done: `{"error": …}` on stdout with `--json`, else a sentence on
/// stderr.
void report(bool as_json, const messages::failure& why);

} // namespace deployminator::cli
