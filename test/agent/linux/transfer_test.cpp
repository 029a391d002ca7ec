#include "agent/linux/transfer.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;

TEST_CASE("an artifact comes from another machine or from a file of this one, or from nowhere") {
  CHECK(is_remote("http://x/a"));
  CHECK(is_remote("HTTPS://x/a"));
  CHECK_FALSE(is_remote("ftp://x/a"));
  CHECK_FALSE(is_remote("http:/x"));
  CHECK_FALSE(is_remote(""));
  CHECK(local_path("/a b/c") == "/a b/c");
  CHECK(local_path("file:///a%20b/c") == "/a b/c");
  CHECK(local_path("FILE:///a") == "/a");
  CHECK(local_path("http://x/a").empty());
  CHECK(local_path("a/b").empty());
}
