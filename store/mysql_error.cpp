#include "store/mysql_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

/// Errors with the same sentence, and what to do.
struct kind {
  std::array<int, 8> codes;
  failure_code code = failure_code::internal;
  std::string_view what;
  std::string_view hint;
  remedy helps = remedy::none;
};

constexpr std::string_view start_server
  = "see whether the database's server runs there and can be reached; it is tried again by itself";

// The SQLSTATE tells a lost connection from nothing, so the numbers do. Those of the client library
// begin with 2000.
constexpr std::array kinds{
  kind{{2002, 2003, 2004, 2005, 1130, 1129},
       failure_code::unreachable,
       "cannot be reached",
       start_server},
  kind{{2006, 2013, 2055, 1053, 1927, 1077, 1079, 4031},
       failure_code::unreachable,
       "was lost",
       start_server,
       remedy::new_connection},
  kind{{1156, 1158, 1159, 1160, 1161},
       failure_code::unreachable,
       "was lost",
       start_server,
       remedy::new_connection},
  kind{{1047, 1040, 1203, 1226},
       failure_code::unreachable,
       "takes no connection now",
       "see what its server says in its log; it is tried again by itself"},
  kind{{1213, 1020},
       failure_code::timeout,
       "let another transaction go first",
       "it is tried again; should it stay so, see who else writes into it",
       remedy::again},
  // Who waited that long does not wait again at once: others wait behind.
  kind{{1205, 1969, 3024},
       failure_code::timeout,
       "is being written by another process",
       "see which one with SHOW PROCESSLIST, and end it"},
  kind{{1045, 1698, 1044, 1142, 1143, 1227, 1251, 2059},
       failure_code::internal,
       "does not let us in, or not do what we must",
       "see the user, its rights on the database (GRANT ALL) and --store-password-file"},
  kind{{1049},
       failure_code::not_found,
       "does not exist",
       "make it as store/README.md says, or name another one"},
  kind{{1290, 1792, 1836},
       failure_code::internal,
       "cannot be written",
       "name the primary: a server that is read-only is a replica"},
  kind{{1114, 1021, 1041, 3, 28},
       failure_code::internal,
       "cannot grow",
       "make room on the disk of its server"},
  kind{{1153, 2020, 1105},
       failure_code::internal,
       "cannot take that much at once",
       "set max_allowed_packet higher, 64M will do"},
  kind{{2026, 3159},
       failure_code::unreachable,
       "cannot be reached over TLS",
       "set TLS up on its server, see that ?ca= names who signed its certificate, or say ?tls=off "
       "where nobody can listen between"},
  kind{{1062, 1451, 1452, 1406, 1366, 1048, 1264},
       failure_code::internal,
       "refuses rows that do not fit those it has",
       "this is a mistake in the server: please report it"},
};

bool is_of_client(int code) {
  constexpr int lowest = 2000, end = 3000;
  return code >= lowest && code < end;
}

const kind* kind_of(int code) {
  const auto* found = std::find_if(kinds.begin(), kinds.end(), [&](const kind& each) {
    return code != 0 && std::find(each.codes.begin(), each.codes.end(), code) != each.codes.end();
  });
  return found == kinds.end() ? nullptr : found;
}

} // namespace

bool loses_connection(const mysql_error& e) {
  const auto* known = kind_of(e.code);
  return is_of_client(e.code) || (known && known->helps == remedy::new_connection);
}

store_error store_error_of(const std::string& database, const mysql_error& e) {
  static constexpr kind other{{}, failure_code::internal, "failed", ""};
  const auto* known = kind_of(e.code);
  const auto& as = known ? *known : other;
  return store_error{
    failure{as.code,
            fmt::format("the database {} {} ({}, error {})", database, as.what, e.text, e.code),
            std::string{as.hint}},
    as.helps};
}

} // namespace deployminator::store
