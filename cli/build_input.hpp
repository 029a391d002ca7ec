#pragma once

#include "cli/context.hpp"
#include "deploy-configs/mistake.hpp"
#include "messages/orders.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace deployminator::cli {

/// The build and its deploy.yaml, as a verb is given them.
class build_input {
public:
  /// Adds `FILE`, `--build` and what else is told of a build.
  void declare(CLI::App& verb);

  /// Reads the file and checks it as the server will. False where it has mistakes, which were told.
  /// Throws `setback` where it cannot be read.
  bool read(const context& c);

  /// Complete once it was read, but for the order's id.
  messages::submit_build order;

private:
  std::string file_;
};

/// The mistakes of a file that is to deploy this build, told as the server would; none: it may go.
std::vector<configs::mistake> mistakes_of(const messages::submit_build& order);

} // namespace deployminator::cli
