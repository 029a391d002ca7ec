#pragma once

#include "messages/farm.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

/// How many groups move at once where a machine drains or the farm is evened out.
namespace deployminator::actors {

/// Each group that moves has its new instances beside the old ones until all are ready: so many at
/// once keep a farm busy, and what the moves take of its machines stays a small part of what runs.
constexpr std::size_t most_moving_groups = 10;

/// Whether it brings running instances of a version elsewhere, as a drain and a redistribution do.
/// What brings missing ones, a restart and a new version are none of these, and wait for nobody.
bool is_move(const messages::rollout& r);

/// The groups whose moves have not begun and wait until others have ended: the oldest go first. One
/// that a person holds takes no other's turn.
std::set<std::uint64_t> groups_that_wait(const messages::farm& f);

/// The groups whose turn it is and whose moves have not begun.
std::set<std::uint64_t> groups_to_begin(const messages::farm& f);

/// How many moves are under way or wait.
std::size_t count_moves(const messages::farm& f);

/// For people: that a move waits for its turn.
std::string waiting_text();

} // namespace deployminator::actors
