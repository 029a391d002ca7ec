#pragma once

#include "messages/result.hpp"

#include <string>
#include <string_view>

namespace deployminator::agent::unpack {

/// The entry's path without `.` and doubled slashes; empty for the archive's root itself. Refused
/// are absolute paths and `..`.
messages::result<std::string> checked_path(std::string_view path);

/// Whether a symbolic link at `path` (a checked one) may point to `target`. Absolute ones may, as
/// those of a Python venv to its interpreter: nothing is written through a link, and who follows it
/// is the instance. Relative ones may have `..` only at their beginning, and no more of them than
/// lead to the top. Since no entry lies below a link, every link starts from its real place, so
/// following any number of relative ones never leads outside.
messages::result<void> check_link(const std::string& path, std::string_view target);

/// The number of names in a checked path.
std::size_t depth_of(std::string_view path);

/// A name from an archive, for people: control characters escaped, shortened.
std::string shown(std::string_view name);

} // namespace deployminator::agent::unpack
