#pragma once

#include "test/store/fresh_database.hpp"
#include "test/store/mariadb_server.hpp"

namespace deployminator::test {

/// The one that the tests of this process share; runs with the arguments of a plain `start`.
mariadb_server& shared_mariadb();

/// An empty database on it.
database new_database();

/// As root, on no database of ours.
void order(mariadb_server& to, const std::string& sql);

} // namespace deployminator::test
