#pragma once

#include "cli/context.hpp"
#include "cli/outcome.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace deployminator::cli {

/// A verb of the command line, one class per file in `verbs/`.
class command {
public:
  virtual ~command() = default;

  /// What people type.
  virtual std::string name() const = 0;
  /// One line for the list of verbs.
  virtual std::string summary() const = 0;
  /// What `--help` tells below the options: what it does, an example, the exit codes.
  virtual std::string details() const = 0;
  /// Adds its options and arguments, which the members take up before `run`.
  virtual void declare(CLI::App& verb) = 0;
  /// Does it. Throws `setback` where it cannot.
  virtual exit_code run(context& c) = 0;
};

} // namespace deployminator::cli
