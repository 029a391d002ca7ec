#include "store/mysql_address.hpp"

#include <doctest/doctest.h>

using namespace deployminator;

namespace {

store::mysql_address address(const std::string& url) {
  auto read = store::mysql_address_of(url);
  REQUIRE_MESSAGE(read, url);
  return *read;
}

} // namespace

TEST_CASE("the address of a database says who goes where") {
  auto a = address("mysql://deployminator@db.example.org:3307/farm");
  CHECK(a.user == "deployminator");
  CHECK(a.host == "db.example.org");
  CHECK(a.port == 3307);
  CHECK(a.database == "farm");
  CHECK(a.ca_file.empty());
  CHECK(a.text() == "mysql://deployminator@db.example.org:3307/farm");
  CHECK(address("mysql://u@h/d").port == 3306);
  auto six = address("mysql://u@[2001:db8::1]:3307/d");
  CHECK(six.host == "2001:db8::1");
  CHECK(six.port == 3307);
  CHECK(six.text() == "mysql://u@[2001:db8::1]:3307/d");
}

TEST_CASE("off loopback a connection is encrypted, unless somebody says otherwise") {
  for (const auto* url : {"mysql://u@127.0.0.1/d", "mysql://u@localhost/d", "mysql://u@[::1]/d",
                          "mysql://u@db.example.org/d?tls=off"})
    CHECK_FALSE(address(url).needs_tls);
  for (const auto* url :
       {"mysql://u@10.0.0.1/d", "mysql://u@db.example.org/d", "mysql://u@127.0.0.1/d?tls=required"})
    CHECK(address(url).needs_tls);
  auto signed_by = address("mysql://u@127.0.0.1/d?tls=required&ca=/etc/ssl/db.pem");
  CHECK(signed_by.needs_tls);
  CHECK(signed_by.ca_file == "/etc/ssl/db.pem");
}

TEST_CASE("an address that is not understood is refused with what was expected") {
  for (const auto* url :
       {"mysql://", "mysql:u@h/d", "mysql://h/d", "mysql://u@/d", "mysql://u@h", "mysql://u@h/",
        "mysql://u@h:/d", "mysql://u@h:0/d", "mysql://u@h:99999/d", "mysql://u@h:33x/d",
        "mysql://u:secret@h/d", "mysql://u@h/d`x", "mysql://u@h/d?tls=maybe", "mysql://u@h/d?x=1",
        "mysql://u@[::1/d", "mysql://u@h/d?tls=off&ca=/x", "mysql://u@h/d?ca=relative"}) {
    auto read = store::mysql_address_of(url);
    CHECK_MESSAGE(!read, url);
    CHECK(read.error().message.find("expected mysql://USER@HOST:PORT/DB") != std::string::npos);
    CHECK_FALSE(read.error().hint.empty());
  }
}
