#pragma once

#include "cli/group_name.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace deployminator::cli {

/// Adds the argument `NS/GROUP`, checked when the command line is read.
CLI::Option* add_group_argument(CLI::App& verb, group_name& to);

/// Adds the argument `NS/GROUP[/APPLICATION]`, required.
CLI::Option* add_group_part_argument(CLI::App& verb, group_part& to);

/// Adds the argument `NS[/GROUP]`, not required.
CLI::Option* add_namespace_or_group_argument(CLI::App& verb, group_name& to);

/// Adds `-o wide`, for what is shortened to fit the terminal without it.
CLI::Option* add_wide_option(CLI::App& verb, bool& wide);

/// The whole number that a text is, if it is one.
std::optional<std::uint64_t> number_from_text(const std::string& text);

/// Adds an option or argument that holds a whole number from `lowest` upwards.
CLI::Option* add_number(CLI::App& verb, const std::string& name, std::uint64_t& to,
                        const std::string& help, std::uint64_t lowest = 0);

} // namespace deployminator::cli
