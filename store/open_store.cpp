#include "store/error.hpp"
#include "store/migrations.hpp"
#include "store/open_connection.hpp"
#include "store/sql_store.hpp"

namespace deployminator::store {

messages::result<std::unique_ptr<store>> open_store(const std::string& url,
                                                    const std::string& password_file,
                                                    const retention& keep,
                                                    const this_server& self) {
  try {
    auto db = open_connection(url, password_file);
    migrate(*db);
    db->settle();
    return std::unique_ptr<store>{std::make_unique<sql_store>(std::move(db), keep, self)};
  } catch (const store_error& e) {
    return e.why();
  }
}

} // namespace deployminator::store
