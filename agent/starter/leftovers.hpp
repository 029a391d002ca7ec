#pragma once

namespace deployminator::agent::starter {

/// Kills every descendant of this process, however far it ran away (this process is the
/// subreaper of all of them), and everything else that runs as `uid` where that is not -1. Returns
/// when all of them are reaped.
void kill_descendants(long uid);

/// Sends the signal once to every descendant of this process and to what else runs as `uid`.
void signal_descendants(long uid, int signal);

/// Kills what an instance left whose starter was killed: everything that runs as `uid`, or where
/// that is -1 everything of this user that has HOME=`home` in its environment. Nothing else tells
/// such a process from the user's own (a shell that stands in the directory, say), so one without
/// that is spared. Returns when none of it is left; an exit code.
int sweep(long uid, const char* home);

} // namespace deployminator::agent::starter
