#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The variables that a deploy.yaml may use.
namespace deployminator::configs {

/// What is wrong with a variable in an arg or a value of `env`: which one is there, and what was
/// expected; nothing if each `${NAME}` is one that is replaced.
std::optional<std::string> wrong_variable(std::string_view text);

/// The first known variable that is written without its braces, such as `PORT1` of `$PORT1`;
/// nothing if there is none. With `only_build` no other than `BUILDID` counts.
std::optional<std::string> bare_variable(std::string_view text, bool only_build);

} // namespace deployminator::configs
