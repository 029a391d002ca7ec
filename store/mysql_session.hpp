#pragma once

#include "store/mysql_connection.hpp"
#include "store/mysql_error.hpp"

#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>

#include <cstdint>
#include <memory>
#include <mysql_connection.h>
#include <string>
#include <type_traits>

namespace deployminator::store {

/// A connection of the library while it lasts. Everything throws `store_error`. Once it is lost it
/// stays so, and nothing runs on it, until it is closed and opened again.
class mysql_session {
public:
  /// A wait for a lock ends before one for an answer would.
  static constexpr int lock_seconds = 8;

  mysql_session(mysql_address at, std::string password, const mysql_patience& patience);
  mysql_session(const mysql_session&) = delete;
  mysql_session& operator=(const mysql_session&) = delete;
  ~mysql_session() = default;

  /// What people call the database.
  [[nodiscard]] const std::string& name() const {
    return name_;
  }
  /// Counts the connections made so far: what was prepared on an earlier one is of no use.
  [[nodiscard]] std::uint64_t number() const {
    return number_;
  }
  [[nodiscard]] bool is_usable() const {
    return open_ && !is_lost_;
  }

  void open();
  /// Whatever was prepared on it must be gone.
  void close() noexcept;

  std::unique_ptr<sql::PreparedStatement> prepare(const std::string& sql);
  /// A statement without rows, not prepared. The library's own calls for transactions tell of no
  /// error when the connection is lost, so these are statements as well.
  void run(const std::string& sql);
  /// A value of the first row, or nothing.
  std::string ask(const std::string& sql, std::uint32_t column = 1);

  /// Turns the library's exceptions into ours, and notes when one tells of a lost connection.
  template <class F>
  std::invoke_result_t<F> guarded(F f) {
    try {
      return f();
    } catch (const sql::SQLException& e) {
      fail({e.getErrorCode(), e.what()});
    }
  }

  [[noreturn]] void refuse_as_lost() const;

private:
  [[noreturn]] void fail(const mysql_error& why);
  sql::Connection& use();
  [[nodiscard]] sql::ConnectOptionsMap options() const;
  void insist_on_tls();

  mysql_address at_;
  std::string name_;
  std::string password_;
  mysql_patience patience_;
  std::unique_ptr<sql::Connection> open_;
  std::uint64_t number_ = 0;
  bool is_lost_ = false;
};

} // namespace deployminator::store
