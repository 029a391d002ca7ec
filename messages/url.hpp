#pragma once

#include <string>

namespace deployminator::messages {

/// A URL as people may see it: without user, password, query and fragment. A file name stays.
std::string public_url(const std::string& url);

/// Who is asked for it, as `builds.example:8080`; empty for a file of this machine.
std::string host_of(const std::string& url);

/// The last part of its path, for people: what the artifact is called.
std::string file_name_of(const std::string& url);

} // namespace deployminator::messages
