#include "agent/linux/transfer.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;

TEST_CASE("a range of a file says where it begins and how large the file is") {
  auto range = parse_content_range("bytes 10-19/200");
  REQUIRE(range);
  CHECK(range->begin == 10);
  CHECK(range->total == 200U);
  REQUIRE(parse_content_range("bytes 10-19/*"));
  CHECK_FALSE(parse_content_range("bytes 10-19/*")->total);
  for (const char* wrong : {"", "bytes", "bytes */200", "bytes 10-19", "10-19/200", "bytes -19/20"})
    CHECK_FALSE(parse_content_range(wrong));
}

TEST_CASE("only what tells two files from each other for certain tells them") {
  constexpr auto at_5 = "Thu, 01 Jan 1970 00:00:05 GMT";
  constexpr auto at_6 = "Thu, 01 Jan 1970 00:00:06 GMT";
  CHECK(strong_validator("\"tag\"", at_5, at_6) == "\"tag\"");
  CHECK(strong_validator("W/\"tag\"", at_5, at_6) == at_5);
  CHECK(strong_validator("", at_5, at_6) == at_5);
  CHECK(strong_validator("", at_5, at_5).empty());
  CHECK(strong_validator("", at_5, "").empty());
  CHECK(strong_validator("", "", at_6).empty());
}

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
