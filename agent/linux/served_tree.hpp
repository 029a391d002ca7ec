#pragma once

#include "messages/result.hpp"

#include <string>

namespace deployminator::agent {

/// Makes what the directory holds readable for everybody, and writable for its owner alone, so that
/// a web server can serve it. Fails with one sentence where a symbolic link in it leads, or could
/// lead, to what is not in it: whoever serves the files would serve that too.
messages::result<void> make_served(const std::string& directory);

} // namespace deployminator::agent
