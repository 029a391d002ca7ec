#pragma once

#include "deploy-configs/key_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <unistd.h>

namespace deployminator::configs {

namespace fs = std::filesystem;

/// A directory for key files.
struct key_directory {
  key_directory() : path(fs::temp_directory_path() / ("keys-" + std::to_string(getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  key_directory(const key_directory&) = delete;
  key_directory& operator=(const key_directory&) = delete;
  ~key_directory() {
    fs::remove_all(path);
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return (path / name).string();
  }

  /// Writes a file that its owner alone may read.
  [[nodiscard]] std::string with(const std::string& text) const {
    auto out = file("some.key");
    std::ofstream{out} << text;
    fs::permissions(out, fs::perms::owner_read | fs::perms::owner_write);
    return out;
  }

  fs::path path;
};

inline const std::string a_key(40, 'a');

inline key_file some_key_file() {
  return {"web1",
          messages::key_role::agent,
          {"tcp://10.0.0.1:4001", "tcp://[2001:db8::1]:4001"},
          "!/*?&<>()[]{}@%$#.-:+=^abcdefghijklmnopq",
          a_key,
          std::string(40, 'b')};
}

} // namespace deployminator::configs
