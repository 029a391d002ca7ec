#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>

namespace deployminator::store {

/// Where a database of MariaDB or MySQL is, and as whom to go there.
struct mysql_address {
  std::string user;
  /// Without the brackets of an IPv6 address.
  std::string host;
  std::uint16_t port = 3306;
  std::string database;
  /// Refuse a server that does not encrypt the connection.
  bool needs_tls = true;
  /// The authority that must have signed the server's certificate; empty: any certificate will do.
  std::string ca_file;

  /// For people: `mysql://USER@HOST:PORT/DB`.
  [[nodiscard]] std::string text() const;
};

/// Reads `mysql://USER@HOST[:PORT]/DB[?tls=required|off][&ca=FILE]`. Without `tls` a server that is
/// not on loopback must encrypt.
messages::result<mysql_address> mysql_address_of(const std::string& url);

} // namespace deployminator::store
