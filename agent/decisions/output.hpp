#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deployminator::agent {

/// The last whole lines of `printed` that fit into `limit` bytes (of a longer last line its end),
/// as valid UTF-8: what is not, becomes `?`.
std::string last_lines(std::string_view printed, std::size_t limit);

} // namespace deployminator::agent
