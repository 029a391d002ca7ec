#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// What ZeroMQ's DEALER says over TCP: ZMTP 3.1 (https://rfc.zeromq.org/spec/37/) with the
/// mechanism NULL. Spoken here without the library, so that thousands of connections cost little
/// and each is a socket of its own.
namespace deployminator::bench::zmtp {

/// The first bytes of a connection, from both sides.
std::string greeting();

/// The command that ends a DEALER's handshake.
std::string ready_command();

/// What goes before a message of one frame and so many bytes.
std::string frame_header(std::size_t size);

/// Takes the other side's bytes apart.
class reader {
public:
  struct item {
    enum class kind {
      greeting,
      /// A command; the first one ends the handshake.
      command,
      message,
      /// Nothing that follows can be understood.
      broken,
    };
    kind what = kind::broken;
    /// The message; valid until the next call.
    std::string_view bytes;
  };

  void append(std::string_view bytes);

  /// The next one that is there in full.
  std::optional<item> next();

private:
  std::optional<item> next_frame();

  std::string buffer_;
  std::size_t used_ = 0;
  bool greeted_ = false;
};

} // namespace deployminator::bench::zmtp
