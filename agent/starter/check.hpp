#pragma once

namespace deployminator::agent::starter {

/// Runs a program once beside that of an instance, as its user, with its limits and its view of the
/// machine, to find out whether it serves:
///
///   autodeployer-starter --check RESULT_FD TIMEOUT_MS HOME UID LIMITS NICE GROUPS PID PROGRAM
///   ARGS…
///
/// PID is the instance's program. Whatever the check started is killed when it ends or its time is
/// over. What is written to RESULT_FD is a line, `exited N` (code, or 128 + signal), `timeout` or
/// `failed PROBLEM ERRNO` (numbers of protocol.hpp), and then what was printed first, at most 4
/// KiB. An exit code: an errno, or 0.
int check(char** args);

} // namespace deployminator::agent::starter
