#pragma once

#include <cstddef>
#include <cstdint>

namespace deployminator::agent::starter {

/// Where a line of a log comes from.
enum class source { out, err, sys };

/// What stands before each line of a log: `2026-11-27T05:40:10.123456Z out `, with `+` behind the
/// source where the line goes on in its next one. `messages/log_line.hpp` reads it.
struct log_header {
  static constexpr std::size_t most = 64;
  char text[most];
  std::size_t size = 0;

  /// `utc`: microseconds since 1970.
  log_header(std::int64_t utc, source from, bool goes_on);
};

/// Appends the number in decimal digits at `to` and returns where they end.
char* put_number(char* to, std::uint64_t number, int least_digits = 1);

} // namespace deployminator::agent::starter
