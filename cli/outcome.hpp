#pragma once

#include "messages/event.hpp"
#include "messages/failure.hpp"

#include <stdexcept>
#include <utility>

namespace deployminator::cli {

/// What the program's exit code says; interface of every script that calls it.
enum class exit_code {
  /// Done, and every instance is ready.
  done = 0,
  /// The deployment failed, was reverted or superseded, or the order was refused.
  failed = 1,
  /// Wrong usage, or a file with mistakes.
  usage = 2,
  /// The server cannot be reached, or refused this client.
  unreachable = 3,
  /// Gave up waiting; the rollout goes on.
  gave_up = 4,
};

/// The exit code of a rollout.
exit_code exit_of(messages::rollout_outcome outcome);

/// The one of two that counts for both.
exit_code worse_of(exit_code a, exit_code b);

/// Thrown where a verb cannot go on: what to tell, and how the program ends.
class setback : public std::runtime_error {
public:
  setback(exit_code how, messages::failure reason)
    : std::runtime_error(reason.message), exit(how), why(std::move(reason)) {}

  exit_code exit;
  messages::failure why;
};

} // namespace deployminator::cli
