#include "store/lease.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace deployminator::store {

namespace {

using namespace std::chrono_literals;

/// Who waits says so every second; who did not for so long waits no more.
constexpr std::chrono::milliseconds longest_silence = 5s;
/// Who was not there for so long is forgotten.
constexpr std::chrono::milliseconds remembered = 7 * 24h;

/// With the database's clock for `{now}`.
std::string with_now(connection& db, std::string_view sql) {
  return fmt::format(fmt::runtime(sql), fmt::arg("now", db.now()));
}

messages::timestamp from_milliseconds(std::uint64_t count) {
  return {static_cast<std::int64_t>(count) * 1000};
}

} // namespace

/// A lease that would last much longer than any does was given before the clock was set back. Much:
/// the clock is that of the statement's begin, and it may have waited while another server took it.
bool take_lease(connection& db, const std::string& id) {
  return run(db,
             with_now(db, "UPDATE meta SET epoch = epoch + 1, change_number = 0, holder = ?, "
                          "lease_end = {now} + ? WHERE id = 1 AND "
                          "(holder = ? OR lease_end <= {now} OR lease_end > {now} + ?)"),
             id, first_lease_term.count(), id, 2 * first_lease_term.count())
         == 1;
}

bool renew_lease(connection& db, std::uint64_t epoch) {
  return run(db, with_now(db, "UPDATE meta SET lease_end = {now} + ? WHERE id = 1 AND epoch = ?"),
             lease_term.count(), epoch)
         == 1;
}

void end_lease(connection& db, std::uint64_t epoch) {
  run(db, "UPDATE meta SET lease_end = 0 WHERE id = 1 AND epoch = ?", epoch);
}

void note_server(connection& db, const this_server& self, std::uint64_t epoch) {
  auto known
    = run(db,
          with_now(db, "UPDATE server SET seen = {now} WHERE name = ? AND listen = ? AND epoch = ? "
                       "AND version = ? AND (epoch > 0 OR seen >= {now} - ?)"),
          self.name, self.listen, epoch, self.version, longest_silence.count());
  if (known == 1)
    return;
  run(db, with_now(db, "DELETE FROM server WHERE (name = ? AND listen = ?) OR seen < {now} - ?"),
      self.name, self.listen, remembered.count());
  run(db,
      with_now(db, "INSERT INTO server (name, listen, epoch, version, since, seen) "
                   "VALUES (?, ?, ?, ?, {now}, {now})"),
      self.name, self.listen, epoch, self.version);
}

std::string leader_of(connection& db, std::uint64_t epoch) {
  rows found{db, "SELECT name, listen FROM server WHERE epoch = ?", epoch};
  return found.next() ? fmt::format("the server on {} at {}", found.text(0), found.text(1))
                      : "another server";
}

std::vector<messages::server_row> read_servers(connection& db) {
  std::vector<messages::server_row> out;
  rows found{db,
             with_now(db, "SELECT server.name, server.listen, server.since, server.epoch, "
                          "server.version, server.epoch = meta.epoch AND lease_end > {now}, "
                          "server.epoch = 0 AND server.seen >= {now} - ? FROM server, meta "
                          "WHERE meta.id = 1 ORDER BY server.name, server.listen"),
             longest_silence.count()};
  while (found.next()) {
    auto state = messages::server_state::unreachable;
    if (found.number(5) != 0)
      state = messages::server_state::reigning;
    else if (found.number(6) != 0)
      state = messages::server_state::standby;
    out.push_back({found.text(0), found.text(1), state, from_milliseconds(found.number(2)),
                   found.number(3), found.text(4)});
  }
  return out;
}

} // namespace deployminator::store
