#pragma once

#include "messages/packing.hpp"
#include "messages/rows.hpp"

#include <string>
#include <vector>

/// What keeps a machine that drains from being empty.
namespace deployminator::cli {

/// Why a group still has something on the machine.
struct obstacle {
  std::string namespace_;
  std::string group;
  /// The instance that is waited for, and its machine; empty: none in particular.
  std::string instance;
  std::string machine;
  /// What for, as `to get ready (starting)`; where there is no instance, why.
  std::string reason;

  bool operator==(const obstacle&) const = default;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, instance, machine, reason)
};

/// Why the group still has something on the machine, by its rows in `deploy status` and
/// `deploy instances`; it has.
obstacle obstacle_of(const messages::group_row& g,
                     const std::vector<messages::instance_row>& instances,
                     const std::string& machine);

/// For people: `shop/web: waits for web-1a2b on w2 to get ready (starting)`.
std::string sentence_of(const obstacle& o);

} // namespace deployminator::cli
