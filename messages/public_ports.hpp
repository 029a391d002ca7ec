#pragma once

#include "messages/packing.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace deployminator::messages {

/// A public port of a machine and the port of an instance it leads to.
struct public_port_mapping {
  /// 1 for `${PORT1}`.
  std::uint32_t port_index = 1;
  std::uint16_t public_port = 0;

  bool operator==(const public_port_mapping&) const = default;
};

/// Which public ports belong to which instances: an entry of `applications` in the configuration of
/// a machine's agent. An empty text matches everything; at least one is not empty.
struct public_port_entry {
  std::string label;
  std::string repository;
  std::string binary;
  std::string group;
  std::string namespace_;
  std::vector<public_port_mapping> ports;

  bool operator==(const public_port_entry&) const = default;
};

/// Where a public port leads now.
struct port_target {
  std::uint16_t public_port = 0;
  /// Of the entry in the machine's configuration; may be empty.
  std::string label;
  /// The instance that gets new connections; empty, and `port` 0: none does.
  std::string instance;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;
  std::string application;
  /// The instance's own.
  std::uint16_t port = 0;
  /// Why this instance, or why none; one sentence for people.
  std::string reason;

  bool operator==(const port_target&) const = default;
  MSGPACK_DEFINE_MAP(public_port, label, instance, MSGPACK_NVP("namespace", namespace_), group,
                     version, application, port, reason)
};

/// All public ports of a machine.
struct public_ports {
  /// In ascending order of the public ports.
  std::vector<port_target> list;
  /// Why the rules are not as they should be; empty: they are.
  std::string problem;

  bool operator==(const public_ports&) const = default;
  MSGPACK_DEFINE_MAP(list, problem)
};

} // namespace deployminator::messages
