#pragma once

#include <string>

namespace deployminator::messages {

/// A URL as people may see it: without user, password, query and fragment. A file name stays.
std::string public_url(const std::string& url);

} // namespace deployminator::messages
