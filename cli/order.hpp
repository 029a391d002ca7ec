#pragma once

#include "cli/context.hpp"
#include "cli/outcome.hpp"
#include "messages/random_id.hpp"
#include "messages/wire.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployminator::cli {

/// The flags of every verb that changes something.
struct order_options {
  bool no_wait = false;
  std::optional<std::chrono::milliseconds> timeout;

  /// Adds `--no-wait` and `--timeout`.
  void declare(CLI::App& verb);
};

/// What the help of such a verb tells of its exit codes.
extern const std::string order_exit_codes;

/// Sends an order (with its order id) and, unless `no_wait`, shows what becomes of it until every
/// group's rollout has finished. The worst outcome counts.
exit_code carry_out(context& c, const messages::message& order, const order_options& options);

} // namespace deployminator::cli
