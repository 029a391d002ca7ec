#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>

namespace deployminator::agent {

/// "cannot WHAT PATH: why", from errno as it is when this is called; `internal`, but `not_found`
/// for a file that does not exist.
messages::failure file_failure(const char* what, const std::string& path);

/// The whole content of a file.
messages::result<std::string> read_file(const std::string& path);

/// Makes the file's content `data`, or leaves it as it was. With `durable` it is on disk
/// afterwards.
messages::result<void> replace_file(const std::string& path, const std::string& data, bool durable);

/// Removes whatever `path` names, as deep as it may be, following no symbolic link; nothing to
/// remove is fine. May take long.
messages::result<void> remove_tree(const std::string& path);

/// The kernel's id of this boot, a line; empty: unknown. What was written under another one may be
/// torn.
std::string boot_id();

/// "1.5 GiB".
std::string size_text(std::uint64_t bytes);

} // namespace deployminator::agent
