#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What a person probably meant who wrote a value in a form that we do not take. Each function
/// yields the end of a sentence that says what was expected, or nothing where nobody can tell.
namespace deployminator::configs {

/// ", in megabytes: 2048" of `2G`.
std::optional<std::string> size_hint(std::string_view text);

/// ": 150%" of `1.5`, ": 50%" of `50`.
std::optional<std::string> cpu_hint(std::string_view text);

/// ": 90s" of `1m30s`, ": 24h" of `1d`; ", with its unit: 5s or 5m" of `5`.
std::optional<std::string> duration_hint(std::string_view text);

/// The same for the first duration that is wrong in `1s..60` or `5 in 10`.
std::optional<std::string> span_hint(std::string_view text);

} // namespace deployminator::configs
