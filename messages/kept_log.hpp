#pragma once

#include "messages/packing.hpp"
#include "messages/timestamp.hpp"

#include <cstdint>
#include <string>

namespace deployminator::messages {

/// The output of an instance that is gone, which its machine keeps for a while.
struct kept_log {
  std::string instance;
  /// Empty where the agent does not know any more whose it was.
  std::string namespace_;
  std::string group;
  std::string application;
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  std::string machine;
  timestamp gone_at;
  /// How it ended, for people.
  std::string reason;

  bool operator==(const kept_log&) const = default;
  MSGPACK_DEFINE_MAP(instance, MSGPACK_NVP("namespace", namespace_), group, application, version,
                     build, machine, gone_at, reason)
};

} // namespace deployminator::messages
