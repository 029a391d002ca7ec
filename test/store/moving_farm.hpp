#pragma once

#include "messages/change.hpp"

#include <cstdint>

namespace deployminator::test {

/// The nth change of a farm that moves on and on: touches every table, so that half of it shows.
/// Each has three events.
messages::change nth_change(std::uint64_t n);

/// How many of those changes the farm has seen.
std::uint64_t changes_in(const messages::farm& f);

} // namespace deployminator::test
