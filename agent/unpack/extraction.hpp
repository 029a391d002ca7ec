#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>

namespace deployminator::agent::unpack {

/// What may come out of an archive at most.
struct limits {
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
  std::uint64_t depth = 0;
  /// Bytes out for each byte in, once `free_bytes` came out.
  std::uint64_t ratio = 0;

  static constexpr std::uint64_t free_bytes = 256 * 1024 * 1024;
};

/// Unpacks a tar (plain or with gzip, bzip2, xz or zstd) or zip archive into the working directory.
/// Only regular files, directories and links that stay inside come out of it, with modes of at most
/// 755; anything else, and anything beyond the limits, fails the whole. In the end `binary` must be
/// there, a regular file and executable.
messages::result<void> extract(int archive, const std::string& binary, const limits& most);

/// Copies a plain program to `binary` below the working directory, mode 755.
messages::result<void> copy_plain(int source, const std::string& binary, const limits& most);

} // namespace deployminator::agent::unpack
