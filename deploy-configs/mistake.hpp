#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace deployminator::configs {

/// Something in a file that a person has to look at.
struct mistake {
  /// From 1; 0 where the whole file is meant.
  std::size_t line = 0;
  std::size_t column = 0;
  /// One sentence: what is there and what was expected, with the key that was probably meant.
  std::string message;

  bool operator==(const mistake&) const = default;
};

/// `file:line:column: message`, as compilers print it; `file: message` where the line is 0.
std::string to_text(const std::string& file_name, const mistake& m);

/// Puts mistakes into the order of the file's lines.
void sort_by_position(std::vector<mistake>& mistakes);

} // namespace deployminator::configs
