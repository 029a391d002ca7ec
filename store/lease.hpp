#pragma once

#include "store/connection.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The lease of the server that leads, in the row of `meta`, and the table `server` of all that
/// lead or wait to. Whether a lease lasts the database's clock alone decides. All but
/// `read_servers` and `leader_of` are called within a transaction, first the function that locks
/// the row of `meta`. They throw `store_error`.
namespace deployminator::store {

/// Takes the lease where nobody else has it, and raises the epoch; else changes nothing and returns
/// false. `id`: of `this_server`.
bool take_lease(connection& db, const std::string& id);

/// False where the epoch is another one: the lease is another server's.
bool renew_lease(connection& db, std::uint64_t epoch);

/// Does nothing where the epoch is another one.
void end_lease(connection& db, std::uint64_t epoch);

/// Notes that the server is there now, and leads in this epoch, or waits to: 0.
void note_server(connection& db, const this_server& self, std::uint64_t epoch);

/// The server of this epoch, for people.
std::string leader_of(connection& db, std::uint64_t epoch);

/// By name and address.
std::vector<messages::server_row> read_servers(connection& db);

} // namespace deployminator::store
