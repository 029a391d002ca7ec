#pragma once

#include <cstddef>
#include <string_view>

namespace deployminator::messages {

/// Of a machine, as DNS limits it; and of a key, which may be a machine's.
inline constexpr std::size_t longest_machine_name = 253;

/// Letters, digits and `._-`, beginning with a letter, a digit or `_`, of at most `max_length`.
bool is_safe_name(std::string_view text, std::size_t max_length = 63);

} // namespace deployminator::messages
