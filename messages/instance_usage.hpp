#pragma once

#include "messages/packing.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace deployminator::messages {

/// What an instance uses, with all that its program started.
struct instance_usage {
  std::string id;
  /// Of one processor, on average since it was measured last (at most ten minutes ago), else since
  /// the program's start.
  double cpu_percent = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t threads = 0;
  /// Unset where the agent may not see them.
  std::optional<std::uint64_t> open_files;

  bool operator==(const instance_usage&) const = default;
  MSGPACK_DEFINE_MAP(id, cpu_percent, memory_bytes, threads, open_files)
};

} // namespace deployminator::messages
