#include "messages/random_id.hpp"

#include <doctest/doctest.h>

using namespace deployminator::messages;

TEST_CASE("an id is 32 hexadecimal digits, and another one each time") {
  auto id = new_random_id();
  CHECK(id.size() == 32);
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(id != new_random_id());
}
