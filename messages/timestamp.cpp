#include "messages/timestamp.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace deployminator::messages {

std::string to_text(timestamp t) {
  auto seconds = t.microseconds / 1'000'000;
  auto micros = t.microseconds % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::time_t{seconds}), micros);
}

std::optional<timestamp> timestamp_from_text(std::string_view text) {
  std::string copy{text};
  std::tm parts{};
  int micros = 0;
  int used = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros, &used)
        != 7
      || parts.tm_year < 0 || static_cast<std::size_t>(used) != copy.size())
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  timestamp read{std::int64_t{timegm(&parts)} * 1'000'000 + micros};
  // What the pattern lets through beyond our form: signs, blanks, short numbers, a 13th month.
  return to_text(read) == text ? std::optional{read} : std::nullopt;
}

timestamp system_utc_now() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

} // namespace deployminator::messages
