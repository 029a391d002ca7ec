#pragma once

#include "messages/result.hpp"

#include <caf/actor_system_config.hpp>

#include <chrono>
#include <cstdint>

/// What the main programs of server and agent share.
namespace deployminator::common {

/// Exit code of a daemon that could not start or go on; 0: it ended on request, 2: wrong usage.
inline constexpr int could_not_go_on = 1;
/// Exit code where starting again does not help before a person has changed something.
inline constexpr int wrong_settings = 2;

/// Says on stderr why `program` cannot go on, and returns the exit code for it.
int fail(const char* program, const messages::failure& why);

/// For a process that mostly waits: two threads and one queue to sleep on, since idle workers that
/// look for work to steal would cost more than they bring.
void set_scheduler(caf::actor_system_config& config);

/// Raises the limit of open files as far as this process may, and returns it. What the process
/// starts inherits it, and programs that use select() break where that is large: whoever starts
/// programs of others sets it back.
std::uint64_t raise_open_files();

/// Runs `program`, all of a daemon's main, and returns its exit code. Before, undoes what the
/// parent process may have left: closed standard streams, a umask, ignored and blocked signals.
/// Afterwards waits a moment for the log to be written.
int run_daemon(int (*program)(int argc, char** argv), int argc, char** argv);

/// Keeps SIGTERM, SIGINT and SIGHUP for `wait_for_end`. Called before any thread is there, so that
/// all threads inherit it. Also ignores SIGPIPE.
void block_end_signals();

/// Returns when somebody asks the process to end. What is not done 4 s later is cut off by SIGALRM.
/// Meanwhile SIGHUP reopens the log; on a terminal it asks for the end.
void wait_for_end();

/// Whether somebody asks the process to end within this time; then as `wait_for_end`. Also returns
/// when the log was reopened.
bool wait_for_end(std::chrono::seconds longest);

/// Tells the service manager that the process serves now, where one listens: sd_notify(3)'s
/// `READY=1` to NOTIFY_SOCKET.
void notify_ready();

} // namespace deployminator::common
