#include "store/mysql_error.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using messages::failure_code;
using store::remedy;

namespace {

store::store_error error(int code) {
  return store::store_error_of("mysql://u@h:3306/d", {code, "as the library says"});
}

} // namespace

TEST_CASE("an error says what happened, with the library's words and number") {
  auto why = error(2002).why();
  CHECK(why.code == failure_code::unreachable);
  CHECK(why.message
        == "the database mysql://u@h:3306/d cannot be reached (as the library says, error 2002)");
  CHECK(error(77777).why().message
        == "the database mysql://u@h:3306/d failed (as the library says, error 77777)");
}

TEST_CASE("no error of a database is taken for another server's lead") {
  for (int code = 0; code < 5000; ++code)
    CHECK_MESSAGE(error(code).why().code != failure_code::refused, code);
}

TEST_CASE("what was in another's way, or lost its connection, is tried again; nothing else is") {
  CHECK(error(1213).helps() == remedy::again);
  for (int code : {2006, 2013, 2055, 1053, 1927})
    CHECK(error(code).helps() == remedy::new_connection);
  for (int code : {0, 1045, 1062, 1064, 1114, 1205, 2002, 2003})
    CHECK(error(code).helps() == remedy::none);
}

TEST_CASE(
  "after errors of the client library and lost connections nothing runs on the connection") {
  for (int code : {2002, 2006, 2013, 2014, 2030, 2055, 1053, 1927})
    CHECK(store::loses_connection({code, ""}));
  for (int code : {1062, 1064, 1205, 1213, 1452})
    CHECK_FALSE(store::loses_connection({code, ""}));
}
