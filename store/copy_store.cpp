#include "store/copy_store.hpp"

#include "store/batch.hpp"
#include "store/error.hpp"
#include "store/migrations.hpp"
#include "store/open_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <unistd.h>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

/// A row comes after those that it refers to. Not `server`: who leads or waits on the copy enters
/// itself.
constexpr std::array<std::string_view, 11> tables_in_order{
  "appgroup", "group_version", "appdef", "lnk_app_grp", "instance", "machine",
  "rollout",  "client_order",  "event",  "access_key",  "meta"};

/// Rows that are held at once.
constexpr std::size_t rows_at_once = 256;

/// Whether a column holds text or bytes shows in its first byte, so bytes go as text as well.
parameters content_of(rows& found) {
  parameters row;
  for (int i = 0; i < found.columns(); ++i) {
    if (found.is_integer(i))
      row.emplace_back(static_cast<std::int64_t>(found.number(i)));
    else
      row.emplace_back(found.text(i));
  }
  return row;
}

std::string select_all(std::string_view table) {
  return fmt::format("SELECT * FROM {} ORDER BY 1", table);
}

void check_source(connection& from, const std::string& url) {
  auto schema = schema_of(from);
  auto newest = all_migrations().back().number;
  if (schema != newest)
    throw store_error(
      failure{failure_code::invalid,
              fmt::format("the store {} has schema {}, expected {}", url, schema, newest),
              schema == 0 ? "name the store to copy first, then the one to make"
                          : "start the deployminator on it that is to copy it, which brings it to "
                            "its schema, and stop it"});
}

void check_target(connection& to) {
  for (auto table : tables_in_order) {
    auto condition = table == "meta" ? " WHERE epoch > 0" : "";
    rows found{to, fmt::format("SELECT COUNT(*) FROM {}{}", table, condition)};
    if (found.next() && found.number(0) > 0)
      throw store_error(failure{failure_code::invalid,
                                fmt::format("the database {} has a store already: there are rows "
                                            "in its table {}",
                                            to.name(), table),
                                "name an empty database"});
  }
}

/// The statement's words for rows like this one.
struct insertion {
  std::string before;
  std::string each;
};

insertion insertion_into(std::string_view table, rows& like) {
  insertion into;
  std::string names;
  for (int i = 0; i < like.columns(); ++i) {
    names += (i > 0 ? ", " : "") + like.name(i);
    into.each += i > 0 ? ", ?" : "?";
  }
  into.before = fmt::format("INSERT INTO {} ({}) VALUES ", table, names);
  into.each = "(" + into.each + ")";
  return into;
}

std::uint64_t copy_table(connection& from, connection& to, std::string_view table) {
  std::uint64_t count = 0;
  std::vector<parameters> waiting;
  insertion into;
  auto write = [&] {
    run_batch(to, {into.before, into.each, ""}, waiting);
    count += waiting.size();
    waiting.clear();
  };
  rows found{from, select_all(table)};
  while (found.next()) {
    if (into.before.empty())
      into = insertion_into(table, found);
    waiting.push_back(content_of(found));
    if (waiting.size() == rows_at_once)
      write();
  }
  write();
  return count;
}

[[noreturn]] void refuse_difference(connection& to, std::string_view table, std::uint64_t row) {
  throw store_error(
    failure{failure_code::mismatch,
            fmt::format("the copy in the database {} differs: table {}, row {} in "
                        "the order of its first column",
                        to.name(), table, row),
            "was a server running on one of the two? Empty the copy and try again"});
}

void compare_table(connection& from, connection& to, std::string_view table) {
  rows expected{from, select_all(table)};
  rows found{to, select_all(table)};
  for (std::uint64_t row = 1;; ++row) {
    bool has_row = expected.next();
    if (has_row != found.next() || (has_row && content_of(expected) != content_of(found)))
      refuse_difference(to, table, row);
    if (!has_row)
      return;
  }
}

std::vector<copied_table> copy_all(connection& from, connection& to) {
  // Nothing changes in the source meanwhile.
  transaction reading{from};
  std::vector<copied_table> copied;
  {
    transaction whole{to};
    check_target(to);
    run(to, "DELETE FROM meta");
    for (auto table : tables_in_order)
      copied.push_back({std::string{table}, copy_table(from, to, table)});
    whole.commit();
  }
  for (auto table : tables_in_order)
    compare_table(from, to, table);
  return copied;
}

void insist_on_file(const std::string& url) {
  constexpr std::string_view of_sqlite = "sqlite:";
  if (url.starts_with(of_sqlite) && ::access(url.substr(of_sqlite.size()).c_str(), F_OK) != 0)
    throw store_error(failure{failure_code::not_found, fmt::format("there is no store {}", url),
                              "name the store to copy first, then the one to make"});
}

} // namespace

messages::result<std::vector<copied_table>>
copy_store(const std::string& from, const std::string& to, const std::string& password_file) {
  // Of a large store each database waits long for the other one.
  const mysql_patience patience{.to_answer = std::chrono::minutes{30},
                                .to_go_on = std::chrono::seconds{0}};
  try {
    insist_on_file(from);
    auto source = open_connection(from, password_file, patience);
    check_source(*source, from);
    auto target = open_connection(to, password_file, patience);
    migrate(*target);
    target->settle();
    return copy_all(*source, *target);
  } catch (const store_error& e) {
    return e.why();
  } catch (const damage& e) {
    return failure{failure_code::internal, e.what(), {}};
  }
}

} // namespace deployminator::store
