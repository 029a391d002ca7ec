#pragma once

#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "cli/json.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <vector>

namespace deployminator::cli {

/// The whole picture at one moment: what the events numbered above `seq` go on from.
struct snapshot {
  std::uint64_t seq = 0;
  std::vector<messages::group_row> groups;
  std::vector<messages::instance_row> instances;
  std::vector<messages::machine_row> machines;
  /// What is wrong with the server itself.
  std::vector<messages::machine_trouble> troubles;
};

/// Asks for the picture of a group or, with an empty name, of everything. The tables are asked for
/// again while events fall between them; on a farm that never rests the last ones are taken, and
/// `seq` is that of the oldest: events then tell again what a row knows already.
snapshot take_snapshot(client& server, const group_name& of);

/// `{type: "snapshot", time, seq, groups, instances, machines}`.
json to_json(const snapshot& s, messages::timestamp now);

} // namespace deployminator::cli
