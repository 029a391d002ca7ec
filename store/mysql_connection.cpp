#include "store/mysql_connection.hpp"

#include "store/mysql_session.hpp"
#include "store/mysql_settings.hpp"

#include <fmt/format.h>

#include <map>
#include <type_traits>
#include <utility>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

/// Each step of a migration may copy a table.
constexpr int schema_lock_attempts = 8;

/// Lives as long as the connection to the database; what it prepared, as long as the session's.
class mysql_statement final : public statement {
public:
  mysql_statement(mysql_session& on, std::string sql) : session_(on), sql_(std::move(sql)) {}

  /// Ready to be bound.
  void begin() {
    reset();
    if (prepared_ && number_ == session_.number())
      return;
    prepared_ = session_.prepare(sql_);
    number_ = session_.number();
  }

  /// Before the connection goes that it was prepared on.
  void forget() noexcept {
    found_.reset();
    prepared_.reset();
  }

  void bind_integer(int parameter, std::int64_t value) override {
    guarded([&](auto& s) { s.setInt64(static_cast<unsigned>(parameter), value); });
  }

  void bind_text(int parameter, const std::string& value) override {
    guarded([&](auto& s) { s.setString(static_cast<unsigned>(parameter), sql::SQLString(value)); });
  }

  void bind_blob(int parameter, const std::string& value) override {
    bind_text(parameter, value);
  }

  std::int64_t execute() override {
    return guarded([](auto& s) { return std::int64_t{s.executeUpdate()}; });
  }

  bool step() override {
    return guarded([&](auto& s) {
      if (!found_)
        found_.reset(s.executeQuery());
      return found_->next();
    });
  }

  void reset() noexcept override {
    found_.reset();
  }

  int columns() override {
    return guarded(
      [&](auto&) { return static_cast<int>(found_->getMetaData()->getColumnCount()); });
  }

  bool is_integer(int column) override {
    return guarded([&](auto&) {
      auto type = found_->getMetaData()->getColumnType(index(column));
      return type >= sql::DataType::BIT && type <= sql::DataType::BIGINT
             && !found_->isNull(index(column));
    });
  }

  std::string column_name(int column) override {
    return guarded(
      [&](auto&) { return found_->getMetaData()->getColumnLabel(index(column)).asStdString(); });
  }

  std::int64_t integer(int column) override {
    return guarded([&](auto&) {
      if (!is_integer(column))
        throw damage(fmt::format("`{}` is \"{:.60}\", expected a whole number", column_name(column),
                                 text(column)));
      return found_->getInt64(index(column));
    });
  }

  std::string text(int column) override {
    return guarded([&](auto&) { return found_->getString(index(column)).asStdString(); });
  }

private:
  static std::uint32_t index(int column) {
    return static_cast<std::uint32_t>(column) + 1;
  }

  template <class F>
  std::invoke_result_t<F, sql::PreparedStatement&> guarded(F f) {
    return session_.guarded([&] {
      if (!prepared_ || !session_.is_usable())
        session_.refuse_as_lost();
      return f(*prepared_);
    });
  }

  mysql_session& session_;
  std::string sql_;
  std::uint64_t number_ = 0;
  std::unique_ptr<sql::PreparedStatement> prepared_;
  std::unique_ptr<sql::ResultSet> found_;
};

class mysql_connection final : public connection {
public:
  mysql_connection(const mysql_address& at, const std::string& password,
                   const mysql_patience& patience)
    : session_(at, password, patience) {
    connect();
  }
  mysql_connection(const mysql_connection&) = delete;
  mysql_connection& operator=(const mysql_connection&) = delete;
  ~mysql_connection() override {
    disconnect();
  }

  const std::string& name() const override {
    return session_.name();
  }

  /// Texts are kept as bytes: what a program says need not be UTF-8, and `Shop` is not `shop`.
  table_words words() const override {
    return {"BIGINT", "ENGINE = InnoDB DEFAULT CHARACTER SET binary"};
  }

  std::string_view now() const override {
    return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)";
  }

  std::vector<std::string> tables() override {
    rows found{*this, "SELECT table_name FROM information_schema.tables "
                      "WHERE table_schema = DATABASE() ORDER BY table_name"};
    std::vector<std::string> names;
    while (found.next())
      names.push_back(found.text(0));
    return names;
  }

  void settle() override {
    check_mysql_tables(*this);
  }

  statement& prepare(std::string_view sql) override {
    if (!in_transaction_)
      connect();
    auto known = statements_.find(sql);
    if (known == statements_.end()) {
      std::string text{sql};
      auto made = std::make_unique<mysql_statement>(session_, text);
      known = statements_.emplace(std::move(text), std::move(made)).first;
    }
    known->second->begin();
    return *known->second;
  }

  void begin(scope what) override {
    connect();
    if (what == scope::schema)
      lock_schema();
    session_.run("START TRANSACTION");
    in_transaction_ = true;
  }

  void commit() override {
    try {
      session_.run("COMMIT");
    } catch (const store_error& e) {
      throw session_.is_usable() ? e : unknown_outcome(e);
    }
    in_transaction_ = false;
    unlock_schema();
  }

  void rollback() noexcept override {
    if (std::exchange(in_transaction_, false) && session_.is_usable())
      quietly([&] { session_.run("ROLLBACK"); });
    unlock_schema();
  }

private:
  /// A connection that is there and not known to be lost; all its settings are ours.
  void connect() {
    if (session_.is_usable())
      return;
    disconnect();
    session_.open();
    try {
      check_mysql_settings(*this);
    } catch (const store_error&) {
      disconnect();
      throw;
    }
  }

  void disconnect() noexcept {
    for (auto& [sql, each] : statements_)
      each->forget();
    session_.close();
    has_schema_lock_ = false;
  }

  /// What fails has lost the connection, and with it the transaction.
  template <class F>
  void quietly(F f) noexcept {
    try {
      f();
    } catch (const store_error&) {
      disconnect();
    }
  }

  /// Changes of the schema are in no transaction here.
  void lock_schema() {
    auto ask = fmt::format("SELECT GET_LOCK(CONCAT('deployminator ', DATABASE()), {})",
                           mysql_session::lock_seconds);
    for (int attempt = 0; attempt < schema_lock_attempts && !has_schema_lock_; ++attempt)
      has_schema_lock_ = session_.ask(ask) == "1";
    if (!has_schema_lock_)
      throw store_error(
        failure{failure_code::timeout,
                fmt::format("the database {} is being migrated by another server", name()),
                "wait for its end"});
  }

  void unlock_schema() noexcept {
    if (std::exchange(has_schema_lock_, false) && session_.is_usable())
      quietly([&] { session_.ask("SELECT RELEASE_LOCK(CONCAT('deployminator ', DATABASE()))"); });
  }

  store_error unknown_outcome(const store_error& e) const {
    return store_error{
      failure{e.why().code,
              fmt::format("{}, while it stored a change: whether it did will show when it is back",
                          e.why().message),
              e.why().hint},
      remedy::unknown_outcome};
  }

  mysql_session session_;
  std::map<std::string, std::unique_ptr<mysql_statement>, std::less<>> statements_;
  bool in_transaction_ = false;
  bool has_schema_lock_ = false;
};

} // namespace

std::unique_ptr<connection> open_mysql(const mysql_address& at, const std::string& password,
                                       const mysql_patience& patience) {
  return std::make_unique<mysql_connection>(at, password, patience);
}

} // namespace deployminator::store
