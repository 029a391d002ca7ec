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

/// What an artifact is to become.
struct wanted {
  /// The program's path; empty where an archive is expected that need not hold one.
  std::string binary;
  /// `binary` is to be run; else it is only the name of what is no archive.
  bool runs_binary = true;
  /// The artifact's name says that it is an archive.
  bool archive = false;
};

/// Lays an artifact out in the working directory: what it is, its content says.
///
/// From a tar (plain or with gzip, bzip2, xz or zstd) or zip archive only regular files,
/// directories and links come out, with modes of at most 755: hard links to a file of the archive,
/// and symbolic ones, through which nothing is written. Anything else, and anything beyond the
/// limits, fails the whole. In the end a `binary` that is to be run must be there, a regular file
/// and executable.
///
/// Anything else is the program itself and becomes `binary`, decompressed where it is compressed,
/// with mode 755; refused where an archive is expected and it does not look like a program.
messages::result<void> lay_out(int artifact, const wanted& what, const limits& most);

} // namespace deployminator::agent::unpack
