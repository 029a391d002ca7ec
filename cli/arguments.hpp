#pragma once

#include "cli/group_name.hpp"

#include <CLI/CLI.hpp>

namespace deployminator::cli {

/// Adds the argument `NS/GROUP`, checked when the command line is read.
CLI::Option* add_group_argument(CLI::App& verb, group_name& to);

/// Adds the argument `NS[/GROUP]`, not required.
CLI::Option* add_namespace_or_group_argument(CLI::App& verb, group_name& to);

} // namespace deployminator::cli
