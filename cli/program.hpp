#pragma once

namespace deployminator::cli {

/// The whole program: reads the command line, runs the verb, returns the exit code.
int run_program(int argc, const char* const* argv);

} // namespace deployminator::cli
