#pragma once

#include "messages/wire.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deployminator::bench {

/// Translates messages, and the one that is said most, the heartbeat, only once.
class phrasebook {
public:
  /// What these bytes say, or nothing; valid until the next call.
  const messages::envelope* read(std::string_view bytes);

  /// A heartbeat that knows this epoch; whether its sender keeps the calm pace.
  const std::string& heartbeat(std::uint64_t epoch, bool calm);

private:
  std::string heard_bytes_;
  messages::envelope heard_;
  std::optional<messages::envelope> other_;
  std::uint64_t epoch_ = 0;
  /// At the usual pace, and at the calm one.
  std::array<std::string, 2> said_;
};

} // namespace deployminator::bench
