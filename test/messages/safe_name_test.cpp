#include "messages/safe_name.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace deployminator::messages;

TEST_CASE("a name that is safe in a path, a shell and a table is one") {
  for (const auto* name : {"a", "w1", "_x", "web-1.example.org", "A_b-C.9"})
    CHECK_MESSAGE(is_safe_name(name), name);
  CHECK(is_safe_name(std::string(63, 'a')));
}

TEST_CASE("other names are not safe") {
  for (const auto* name : {"", ".", "..", ".x", "-x", "a b", "a/b", "a\n", "\xc3\xa9", "a\x1b"})
    CHECK_FALSE_MESSAGE(is_safe_name(name), name);
  CHECK_FALSE(is_safe_name(std::string(64, 'a')));
  CHECK(is_safe_name(std::string(longest_machine_name, 'a'), longest_machine_name));
}
