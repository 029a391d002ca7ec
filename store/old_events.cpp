#include "store/old_events.hpp"

#include <algorithm>
#include <chrono>

namespace deployminator::store {

namespace {

/// The number of the last event before the first that is not older than `from`, of those up to
/// `last`. Looks at the old ones alone, in the order of their numbers.
std::uint64_t last_before(connection& db, messages::timestamp from, std::uint64_t last) {
  rows found{db, "SELECT seq FROM event WHERE time >= ? AND seq <= ? ORDER BY seq LIMIT 1",
             to_text(from), last};
  return found.next() ? found.number(0) - 1 : last;
}

/// The number of the last event that its number or its age drops; 0: none.
std::uint64_t last_by_count_and_age(connection& db, const retention& keep, std::uint64_t last,
                                    messages::timestamp now) {
  auto bound = last > keep.events ? last - keep.events : 0;
  auto sure = last > keep.sure_events ? last - keep.sure_events : 0;
  messages::timestamp from{
    now.microseconds
    - std::chrono::duration_cast<std::chrono::microseconds>(keep.event_age).count()};
  return sure > bound ? std::max(bound, last_before(db, from, sure)) : bound;
}

/// Of the events with numbers above `after`, up to `to`.
std::uint64_t bytes_of(connection& db, std::uint64_t after, std::uint64_t to) {
  rows found{db,
             "SELECT CAST(COALESCE(SUM(LENGTH(content)), 0) AS SIGNED) FROM event WHERE seq > ? "
             "AND seq <= ?",
             after, to};
  return found.next() ? found.number(0) : 0;
}

/// The number up to which events are dropped so that those above `after` are `excess` bytes fewer;
/// never `last`.
std::uint64_t last_by_bytes(connection& db, std::uint64_t after, std::uint64_t last,
                            std::uint64_t excess) {
  rows found{db, "SELECT seq, LENGTH(content) FROM event WHERE seq > ? AND seq < ? ORDER BY seq",
             after, last};
  std::uint64_t gone = 0;
  auto bound = after;
  while (gone < excess && found.next()) {
    bound = found.number(0);
    gone += found.number(1);
  }
  return bound;
}

} // namespace

counted_events drop_old_events(connection& db, const retention& keep, std::uint64_t last,
                               messages::timestamp now, const counted_events& before) {
  counted_events all{last, before.bytes + bytes_of(db, before.last, last)};
  auto bound = last_by_count_and_age(db, keep, last, now);
  if (bound > 0)
    all.bytes -= bytes_of(db, 0, bound);
  if (all.bytes > keep.event_bytes) {
    auto further = last_by_bytes(db, bound, last, all.bytes - keep.event_bytes);
    all.bytes -= bytes_of(db, bound, further);
    bound = further;
  }
  if (bound > 0)
    run(db, "DELETE FROM event WHERE seq <= ?", bound);
  return all;
}

} // namespace deployminator::store
