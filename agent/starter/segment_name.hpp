#pragma once

#include <cstddef>
#include <cstdint>

/// The files of a log are named by the number of bytes of the log before them, in digits.
namespace deployminator::agent::starter {

inline constexpr std::size_t name_digits = 16;
/// Where no file begins.
inline constexpr std::uint64_t no_start = ~std::uint64_t{0};

/// Writes the name of the file that begins there, ended by a zero byte.
inline void put_name(std::uint64_t start, char (&out)[name_digits + 1]) {
  for (auto at = name_digits; at-- > 0; start /= 10)
    out[at] = static_cast<char>('0' + start % 10);
  out[name_digits] = 0;
}

/// Where the file of this name begins; `no_start` for a name that is none of ours.
inline std::uint64_t start_in(const char* name) {
  std::uint64_t out = 0;
  std::size_t size = 0;
  for (; name[size]; ++size) {
    if (size == name_digits || name[size] < '0' || name[size] > '9')
      return no_start;
    out = out * 10 + static_cast<std::uint64_t>(name[size] - '0');
  }
  return size == name_digits ? out : no_start;
}

} // namespace deployminator::agent::starter
