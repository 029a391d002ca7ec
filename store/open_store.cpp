#include "store/error.hpp"
#include "store/migrations.hpp"
#include "store/sql_store.hpp"
#include "store/sqlite_connection.hpp"

#include <fmt/format.h>

namespace deployminator::store {

using messages::failure;
using messages::failure_code;

messages::result<std::unique_ptr<store>> open_store(const std::string& url) {
  constexpr std::string_view scheme = "sqlite:";
  if (url.starts_with("mysql:"))
    return failure{failure_code::unsupported, fmt::format("the store {} is not supported yet", url),
                   "use sqlite:PATH"};
  if (!url.starts_with(scheme) || url.size() == scheme.size())
    return failure{failure_code::invalid,
                   fmt::format("the store \"{}\" is not understood, expected sqlite:PATH", url),
                   "for example sqlite:/var/lib/deployminator/deployminator.db"};
  try {
    auto db = open_sqlite(url.substr(scheme.size()));
    migrate(*db);
    db->settle();
    return std::unique_ptr<store>{std::make_unique<sql_store>(std::move(db))};
  } catch (const store_error& e) {
    return e.why();
  }
}

} // namespace deployminator::store
