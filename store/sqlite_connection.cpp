#include "store/sqlite_connection.hpp"

#include "store/error.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <thread>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

failure failure_of(const std::string& file, const SQLite::Exception& e) {
  auto sentence = [&](std::string_view what) {
    return fmt::format("the database {} {} ({})", file, what, e.what());
  };
  switch (e.getErrorCode() & 0xff) {
    case SQLITE_FULL:
      return {failure_code::internal, sentence("cannot grow"), "make room on its disk"};
    case SQLITE_IOERR:
      return {failure_code::internal, sentence("cannot be read or written"),
              "see whether its disk is full, or what the kernel's log says about it"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {failure_code::timeout, sentence("is being written by another process"),
              fmt::format("see which one with `fuser {}`, and end it", file)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {failure_code::internal, sentence("cannot be written"),
              "let the server's user write the file and its directory"};
    case SQLITE_CANTOPEN:
      return {failure_code::internal, sentence("cannot be opened"),
              "let the server's user read and write the file and its directory"};
    case SQLITE_NOTADB:
      return {failure_code::invalid, sentence("is no SQLite database"),
              "name another file, or move this one away"};
    case SQLITE_CORRUPT:
      return {
        failure_code::internal, sentence("is damaged"),
        fmt::format("restore a backup, or save what can be read with `sqlite3 {} .recover`", file)};
    case SQLITE_CONSTRAINT:
      return {failure_code::internal, sentence("refuses rows that do not fit those it has"),
              "this is a mistake in the server: please report it"};
    default:
      return {failure_code::internal, sentence("failed"), {}};
  }
}

template <class F>
auto guarded(const std::string& file, F f) {
  try {
    return f();
  } catch (const SQLite::Exception& e) {
    throw store_error(failure_of(file, e));
  }
}

class sqlite_statement final : public statement {
public:
  sqlite_statement(const std::string& file, SQLite::Database& db, const std::string& sql)
    : file_(file), statement_(db, sql) {}

  void bind_integer(int parameter, std::int64_t value) override {
    guarded(file_, [&] { statement_.bind(parameter, value); });
  }

  void bind_text(int parameter, const std::string& value) override {
    guarded(file_, [&] { statement_.bind(parameter, value); });
  }

  void bind_blob(int parameter, const std::string& value) override {
    guarded(file_,
            [&] { statement_.bind(parameter, value.data(), static_cast<int>(value.size())); });
  }

  std::int64_t execute() override {
    struct resetter {
      statement& s;
      ~resetter() {
        s.reset();
      }
    } at_end{*this};
    return guarded(file_, [&] { return statement_.exec(); });
  }

  bool step() override {
    return guarded(file_, [&] { return statement_.executeStep(); });
  }

  void reset() noexcept override {
    // Its code repeats the error of the last step, which was thrown then.
    statement_.tryReset();
  }

  int columns() override {
    return statement_.getColumnCount();
  }

  bool is_integer(int column) override {
    return guarded(file_, [&] { return statement_.getColumn(column).isInteger(); });
  }

  std::string column_name(int column) override {
    return guarded(file_, [&] { return std::string{statement_.getColumnName(column)}; });
  }

  std::int64_t integer(int column) override {
    return guarded(file_, [&] {
      auto value = statement_.getColumn(column);
      if (!value.isInteger())
        throw damage(fmt::format("`{}` is \"{:.60}\", expected a whole number", column_name(column),
                                 value.getString()));
      return std::int64_t{value.getInt64()};
    });
  }

  std::string text(int column) override {
    return guarded(file_, [&] { return statement_.getColumn(column).getString(); });
  }

private:
  const std::string& file_;
  SQLite::Statement statement_;
};

class sqlite_connection final : public connection {
public:
  sqlite_connection(const std::string& file, std::chrono::milliseconds timeout)
    : file_(file), timeout_(timeout), db_(guarded(file, [&] {
        return SQLite::Database{file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                                static_cast<int>(timeout.count())};
      })) {
    guarded(file_, [&] {
      db_.exec("PRAGMA foreign_keys = ON");
      db_.exec("PRAGMA synchronous = FULL");
    });
  }

  const std::string& name() const override {
    return file_;
  }

  table_words words() const override {
    return {"INTEGER", ""};
  }

  /// Its clock is the machine's.
  std::string_view now() const override {
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
  }

  std::vector<std::string> tables() override {
    rows found{*this, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"};
    std::vector<std::string> names;
    while (found.next())
      names.push_back(found.text(0));
    return names;
  }

  /// With a write-ahead log a commit costs one sync, and who looks with sqlite3 stops no commit.
  void settle() override {
    auto mode = write_ahead_mode();
    if (mode != "wal" && mode != "memory")
      throw store_error(failure{failure_code::internal,
                                fmt::format("the file system of the database {} can keep no "
                                            "write-ahead log (the journal mode stays `{}`)",
                                            file_, mode),
                                "put the database on a local disk"});
  }

  statement& prepare(std::string_view sql) override {
    auto known = statements_.find(sql);
    if (known == statements_.end()) {
      std::string text{sql};
      auto made
        = guarded(file_, [&] { return std::make_unique<sqlite_statement>(file_, db_, text); });
      known = statements_.emplace(std::move(text), std::move(made)).first;
    }
    return *known->second;
  }

  /// Nobody else writes from here on.
  void begin(scope) override {
    prepare("BEGIN IMMEDIATE").execute();
  }

  void commit() override {
    prepare("COMMIT").execute();
  }

  void rollback() noexcept override {
    // Some errors have rolled back already. Nothing can be done about a rollback that fails: the
    // next `begin` says so.
    if (sqlite3_get_autocommit(db_.getHandle()) == 0)
      db_.tryExec("ROLLBACK");
  }

private:
  /// Asks for it and returns what the mode is then. SQLite itself does not wait here while another
  /// process opens the database.
  std::string write_ahead_mode() {
    auto until = std::chrono::steady_clock::now() + timeout_;
    return guarded(file_, [&] {
      for (;;) {
        try {
          return db_.execAndGet("PRAGMA journal_mode = WAL").getString();
        } catch (const SQLite::Exception& e) {
          if (e.getErrorCode() != SQLITE_BUSY || std::chrono::steady_clock::now() > until)
            throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
      }
    });
  }

  std::string file_;
  std::chrono::milliseconds timeout_;
  SQLite::Database db_;
  std::map<std::string, std::unique_ptr<sqlite_statement>, std::less<>> statements_;
};

failure cannot_create(const std::string& what, int error) {
  return {failure_code::internal, fmt::format("cannot create {}: {}", what, std::strerror(error)),
          "name a file in a directory that the server's user can write, or make the directory"};
}

/// SQLite itself would let everybody read what may hold passwords.
void create_file(const std::string& path) {
  auto directory = std::filesystem::path{path}.parent_path();
  if (!directory.empty() && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    throw store_error(cannot_create(
      fmt::format("the directory {} for the database {}", directory.string(), path), errno));
  int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 && errno != EEXIST)
    throw store_error(cannot_create(fmt::format("the database {}", path), errno));
  if (file >= 0)
    ::close(file);
}

} // namespace

std::unique_ptr<connection> open_sqlite(const std::string& path,
                                        std::chrono::milliseconds timeout) {
  if (path != ":memory:" && ::access(path.c_str(), F_OK) != 0)
    create_file(path);
  return std::make_unique<sqlite_connection>(path, timeout);
}

} // namespace deployminator::store
