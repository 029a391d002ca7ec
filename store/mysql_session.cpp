#include "store/mysql_session.hpp"

#include <cppconn/statement.h>
#include <fmt/format.h>

#include <mysql_driver.h>
#include <unistd.h>
#include <utility>

#include <linux/close_range.h>

namespace deployminator::store {

namespace {

// What the library says itself of a connection that is no more, and of a handshake that failed.
constexpr int server_is_gone = 2006;
constexpr int tls_failed = 2026;

} // namespace

mysql_session::mysql_session(mysql_address at, std::string password, const mysql_patience& patience)
  : at_(std::move(at)), name_(at_.text()), password_(std::move(password)), patience_(patience) {}

void mysql_session::open() {
  guarded([&] {
    auto all = options();
    open_.reset(sql::mysql::get_driver_instance()->connect(all));
    ++number_;
  });
  // The library's sockets would stay open in programs that are started.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  try {
    insist_on_tls();
    run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    run(fmt::format("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
                    "innodb_lock_wait_timeout = {}, foreign_key_checks = 1, unique_checks = 1, "
                    "idle_transaction_timeout = {}",
                    lock_seconds, patience_.to_go_on.count()));
  } catch (const store_error&) {
    close();
    throw;
  }
}

void mysql_session::close() noexcept {
  open_.reset();
  is_lost_ = false;
}

std::unique_ptr<sql::PreparedStatement> mysql_session::prepare(const std::string& sql) {
  return guarded(
    [&] { return std::unique_ptr<sql::PreparedStatement>{use().prepareStatement(sql)}; });
}

void mysql_session::run(const std::string& sql) {
  guarded([&] {
    std::unique_ptr<sql::Statement> {
      use().createStatement()
      } -> execute(sql);
  });
}

std::string mysql_session::ask(const std::string& sql, std::uint32_t column) {
  return guarded([&]() -> std::string {
    std::unique_ptr<sql::Statement> asked{use().createStatement()};
    std::unique_ptr<sql::ResultSet> found{asked->executeQuery(sql)};
    return found->next() ? found->getString(column).asStdString() : std::string{};
  });
}

void mysql_session::refuse_as_lost() const {
  throw store_error_of(name_, {server_is_gone, "the connection was lost"});
}

void mysql_session::fail(const mysql_error& why) {
  is_lost_ |= loses_connection(why);
  throw store_error_of(name_, why);
}

sql::Connection& mysql_session::use() {
  if (!is_usable())
    refuse_as_lost();
  return *open_;
}

sql::ConnectOptionsMap mysql_session::options() const {
  sql::ConnectOptionsMap all;
  bool is_ipv6 = at_.host.find(':') != std::string::npos;
  all["hostName"] = sql::SQLString(is_ipv6 ? "tcp://[" + at_.host + "]" : "tcp://" + at_.host);
  all["port"] = static_cast<int>(at_.port);
  all["userName"] = sql::SQLString(at_.user);
  all["password"] = sql::SQLString(password_);
  all["schema"] = sql::SQLString(at_.database);
  all["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  all["OPT_CONNECT_TIMEOUT"] = static_cast<int>(patience_.to_connect.count());
  all["OPT_READ_TIMEOUT"] = static_cast<int>(patience_.to_answer.count());
  all["OPT_WRITE_TIMEOUT"] = static_cast<int>(patience_.to_answer.count());
  // An update counts the rows that it finds, as with SQLite. Never OPT_RECONNECT: the rest of a
  // transaction would run on a new connection.
  all["CLIENT_FOUND_ROWS"] = true;
  if (at_.needs_tls)
    all["sslEnforce"] = true;
  if (!at_.ca_file.empty()) {
    all["sslCA"] = sql::SQLString(at_.ca_file);
    all["sslVerify"] = true;
  }
  return all;
}

/// The library goes on in the clear with a server that offers nothing else.
void mysql_session::insist_on_tls() {
  if (at_.needs_tls && ask("SHOW SESSION STATUS LIKE 'Ssl_cipher'", 2).empty())
    throw store_error_of(name_, {tls_failed, "its server does not offer TLS"});
}

} // namespace deployminator::store
