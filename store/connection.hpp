#pragma once

#include "messages/enum_text.hpp"
#include "messages/timestamp.hpp"
#include "store/document.hpp"

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::store {

/// A prepared statement with `?` for its parameters, which count from 1; columns count from 0.
/// Everything throws `store_error` when the database fails.
class statement {
public:
  virtual ~statement() = default;

  virtual void bind_integer(int parameter, std::int64_t value) = 0;
  virtual void bind_text(int parameter, const std::string& value) = 0;
  virtual void bind_blob(int parameter, const std::string& value) = 0;

  /// Runs a statement without rows; returns how many rows it inserted, deleted, or found to update
  /// (be they what they were already). Of a REPLACE the count means nothing.
  virtual std::int64_t execute() = 0;
  /// Goes to the next row; false at the end.
  virtual bool step() = 0;
  /// Ready to be bound and run again.
  virtual void reset() noexcept = 0;

  virtual int columns() = 0;
  virtual std::string column_name(int column) = 0;
  virtual bool is_integer(int column) = 0;
  /// Throws `damage` when the column holds no integer.
  virtual std::int64_t integer(int column) = 0;
  /// The text, the blob, or a number as text.
  virtual std::string text(int column) = 0;
};

/// What differs between databases in CREATE TABLE.
struct table_words {
  /// The type of a 64-bit primary key.
  std::string_view row_id;
  /// What follows the closing parenthesis.
  std::string_view options;
};

/// What a transaction is about to change.
enum class scope { rows, schema };

/// One connection to a database: the seam between the store's SQL and a database. Used from one
/// thread. The SQL above it is what SQLite and MariaDB both understand, and is written once.
/// Everything throws `store_error` when the database fails, with a sentence that names it. One that
/// was lost is made anew by the next `begin`, or `prepare` outside of a transaction.
class connection {
public:
  virtual ~connection() = default;

  /// What people call the database: its file or address.
  virtual const std::string& name() const = 0;
  virtual table_words words() const = 0;
  /// An expression for the time by the database's clock, in milliseconds since 1970.
  virtual std::string_view now() const = 0;
  virtual std::vector<std::string> tables() = 0;

  /// Sets what stays in the database. Called once it is known to be ours.
  virtual void settle() = 0;

  /// The statement, prepared when first asked for and kept; reset.
  virtual statement& prepare(std::string_view sql) = 0;

  /// Begins a transaction. Of two that change rows, the one that comes second to the row of `meta`
  /// waits for the other's end; so each that writes begins with that row. Of two that change the
  /// schema one waits here.
  virtual void begin(scope what) = 0;
  /// When this returns, what was done is on disk. Where it throws, that may be so as well.
  virtual void commit() = 0;
  /// Undoes what was done since `begin`; does nothing when no transaction is open.
  virtual void rollback() noexcept = 0;
};

/// A transaction that is rolled back unless it was committed.
class transaction {
public:
  explicit transaction(connection& db, scope what = scope::rows) : db_(db) {
    db_.begin(what);
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() {
    if (!done_)
      db_.rollback();
  }

  void commit() {
    db_.commit();
    done_ = true;
  }

private:
  connection& db_;
  bool done_ = false;
};

inline void bind(statement& to, int parameter, std::integral auto value) {
  to.bind_integer(parameter, static_cast<std::int64_t>(value));
}

inline void bind(statement& to, int parameter, const std::string& value) {
  to.bind_text(parameter, value);
}

inline void bind(statement& to, int parameter, messages::timestamp value) {
  to.bind_text(parameter, messages::to_text(value));
}

void bind(statement& to, int parameter, messages::named_enum auto value) {
  to.bind_text(parameter, std::string{messages::to_text(value)});
}

inline void bind(statement& to, int parameter, const document& value) {
  value.is_json ? to.bind_text(parameter, value.bytes) : to.bind_blob(parameter, value.bytes);
}

/// The rows that a SELECT yields. What `text` and the like throw as `damage` names the column.
class rows {
public:
  template <class... Parameters>
  rows(connection& db, std::string_view sql, const Parameters&... parameters)
    : statement_(db.prepare(sql)) {
    int n = 0;
    (bind(statement_, ++n, parameters), ...);
  }
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;
  ~rows() {
    statement_.reset();
  }

  /// Goes to the first row, or the next; false at the end.
  bool next() {
    return statement_.step();
  }
  int columns() {
    return statement_.columns();
  }
  std::string name(int column) {
    return statement_.column_name(column);
  }
  bool is_integer(int column) {
    return statement_.is_integer(column);
  }
  std::uint64_t number(int column) {
    return static_cast<std::uint64_t>(statement_.integer(column));
  }
  std::string text(int column) {
    return statement_.text(column);
  }
  messages::timestamp time(int column);

  template <messages::named_enum E>
  E name_of(int column) {
    auto value = messages::from_text<E>(text(column));
    if (!value)
      throw unexpected(column,
                       fmt::format("one of {}", fmt::join(messages::enum_text<E>::names, ", ")));
    return *value;
  }

  template <class T>
  T value(int column) {
    try {
      return from_document<T>(text(column));
    } catch (const damage& why) {
      throw damage(
        fmt::format("`{}` cannot be read: {}", statement_.column_name(column), why.what()));
    }
  }

private:
  damage unexpected(int column, const std::string& expected);

  statement& statement_;
};

/// Runs a statement without rows; returns how many rows it concerned (see `statement::execute`).
template <class... Parameters>
std::int64_t run(connection& db, std::string_view sql, const Parameters&... parameters) {
  auto& prepared = db.prepare(sql);
  int n = 0;
  (bind(prepared, ++n, parameters), ...);
  return prepared.execute();
}

} // namespace deployminator::store
