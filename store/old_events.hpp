#pragma once

#include "store/connection.hpp"
#include "store/store.hpp"

#include <cstdint>

namespace deployminator::store {

/// How many bytes the events up to one of them take.
struct counted_events {
  /// The number of the last one that was counted; 0: none was.
  std::uint64_t last = 0;
  std::uint64_t bytes = 0;
};

/// Drops the events that `keep` does not keep; within a transaction. `last` is the number of the
/// newest event, which is of the time `now`. `before` is what the last call returned, if that was
/// committed and nothing else changed the events but new ones: then only the new and the dropped
/// ones are read. Throws `store_error`.
counted_events drop_old_events(connection& db, const retention& keep, std::uint64_t last,
                               messages::timestamp now, const counted_events& before);

} // namespace deployminator::store
