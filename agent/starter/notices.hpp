#pragma once

#include "agent/starter/protocol.hpp"

#include <cstdint>
#include <poll.h>

namespace deployminator::agent::starter {

/// The socket at which the program tells of itself, by sd_notify's protocol: READY=1, STOPPING=1,
/// WATCHDOG=1 and STATUS=… are taken, all else is dropped. The starter has it, so nothing that is
/// told is lost with an agent. Only what the program's own user says counts.
///
/// It is `DIR/notify`, or where the program could not get to that an address of the kernel's own
/// (abstract); the program finds it in NOTIFY_SOCKET.
class notices {
public:
  /// Begins to listen where the environment asks for that, for what runs as `uid` (-1: as we do),
  /// and puts into the environment what the program is to know. An errno, or 0.
  int open(const char* directory, long uid);

  /// A run begins: what was told before is over.
  void begin_run(std::uint32_t run, told& out);

  /// What to wait for; negative where there is nothing.
  [[nodiscard]] pollfd wait() const;
  /// How long to wait for it at most, in milliseconds; -1: for ever.
  [[nodiscard]] int patience() const;

  /// Takes what was told; true where others are to know of it now. A program that tells much is
  /// told of ten times a second at most, and read some thousand times.
  bool take(told& out);

private:
  bool take_one(told& out);
  int bind_to(const char* directory);

  int fd_ = -1;
  unsigned uid_ = 0;
  /// Something was told that others do not know yet.
  bool is_due_ = false;
  /// By the clock that never jumps, in milliseconds: when others were told last, and until when
  /// nothing is read.
  std::int64_t told_at_ = 0;
  std::int64_t rests_until_ = 0;
};

} // namespace deployminator::agent::starter
