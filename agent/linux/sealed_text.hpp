#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deployminator::agent {

/// What stands before a sealed content: its length (8 hex digits) and the first 16 hex digits of
/// its SHA-256.
inline constexpr std::size_t seal_size = 24;

/// The content behind a seal by which damage is noticed.
std::string sealed(std::string_view content);

/// The content of the sealed text that `text` begins with; empty where there is none, or no whole
/// one.
std::string_view first_sealed(std::string_view text);

} // namespace deployminator::agent
