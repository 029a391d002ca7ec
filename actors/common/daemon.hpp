#pragma once

namespace deployminator::actors {

/// Keeps SIGTERM and SIGINT for `wait_for_end`. Called first in main, before any thread is there,
/// so that all threads inherit it. Also ignores SIGPIPE.
void block_end_signals();

/// Returns when somebody asks the process to end.
void wait_for_end();

/// Tells the service manager that the process serves now, where one listens: sd_notify(3)'s
/// `READY=1` to NOTIFY_SOCKET.
void notify_ready();

} // namespace deployminator::actors
