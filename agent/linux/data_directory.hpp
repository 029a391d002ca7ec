#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>

namespace deployminator::agent {

/// As root every file of any data on disk is this user's, who runs nothing; the one below those
/// that instances get. A starter shows an instance its own data as that of the instance's user
/// (agent/starter/data_mount.hpp), so builds whose users differ read each other's files, and no
/// other application does.
inline constexpr std::int64_t data_owner = 69'999;

/// A directory of data, and whether there was none until now.
struct data_directory {
  std::string path;
  bool is_new = false;
};

/// Makes the directory `name`, such as `shop/web/server/uploads`, below that of all data where it
/// is not there. Nobody but a person ever removes it.
messages::result<data_directory> make_data_directory(const std::string& all,
                                                     const std::string& name);

} // namespace deployminator::agent
