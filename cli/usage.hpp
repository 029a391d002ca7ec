#pragma once

#include "messages/failure.hpp"

#include <CLI/CLI.hpp>

namespace deployminator::cli {

/// What is wrong with the words after `deploy`, and where to read on. `app` has just refused them.
messages::failure wrong_usage(const CLI::App& app, const CLI::ParseError& e);

} // namespace deployminator::cli
