#pragma once

#include "messages/application.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// What Linux takes when a program is started: more than that no machine could start.
namespace deployminator::configs {

/// A text of so many bytes and more cannot be an argument or a variable with its name (execve(2):
/// MAX_ARG_STRLEN, its end included).
inline constexpr std::size_t too_long_for_a_program = 131'072;

/// Why a program cannot be given this arg, or this variable as `NAME=value`; nothing if it can.
std::optional<std::string> too_long(std::string_view what, std::size_t bytes);

/// Why no program can be given all its args and variables together, or no machine be told them;
/// nothing if one can.
std::optional<std::string> too_much(const messages::program& app);

} // namespace deployminator::configs
