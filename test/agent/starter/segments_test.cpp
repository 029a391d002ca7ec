#include "agent/starter/segments.hpp"

#include <doctest/doctest.h>

#include <map>
#include <rapidcheck.h>
#include <string>

using namespace deployminator::agent::starter;

TEST_CASE("a new file begins where the one before it ends") {
  segments s{800};
  CHECK(s.wants_new(10));
  CHECK(s.next() == 0);
  s.begin_next();
  s.grow(60);
  CHECK_FALSE(s.wants_new(40));
  CHECK(s.wants_new(41));
  CHECK(s.next() == 60);
  s.begin_next();
  CHECK(s.newest() == 60);
  CHECK(s.size() == 0);
}

TEST_CASE("what is larger than a file may be is written all the same") {
  segments s{800};
  s.begin_next();
  CHECK_FALSE(s.wants_new(500));
}

TEST_CASE("files are taken up in any order, and of too many the oldest go") {
  segments s{1'000'000};
  for (auto start : {300U, 100U, 200U})
    CHECK(s.add(start) == no_start);
  CHECK(s.newest() == 300);
  for (std::uint64_t n = 4; n <= segments::most; ++n)
    CHECK(s.add(n * 100) == no_start);
  CHECK(s.add(50) == 50);
  CHECK(s.add(7'000) == 100);
  CHECK(s.newest() == 7'000);
}

TEST_CASE("whatever is written, all files together never have too much") {
  CHECK(rc::check([] {
    constexpr std::uint64_t limit = 8'000;
    segments s{limit};
    std::map<std::uint64_t, std::uint64_t> files;
    for (auto bytes : *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(1U, 1'000U))) {
      for (auto gone = s.take_surplus(bytes); gone != no_start; gone = s.take_surplus(bytes))
        RC_ASSERT(files.erase(gone) == 1);
      if (s.wants_new(bytes))
        s.begin_next();
      files[s.newest()] += bytes;
      s.grow(bytes);
      std::uint64_t all = 0;
      for (const auto& [start, size] : files)
        all += size;
      RC_ASSERT(all <= limit);
      RC_ASSERT(s.next() == s.newest() + files[s.newest()]);
    }
  }));
}

TEST_CASE("a file's name says where it begins, and no other name does") {
  char name[name_digits + 1];
  put_name(1'234'567, name);
  CHECK(std::string{name} == "0000000001234567");
  CHECK(start_in(name) == 1'234'567);
  for (const auto* other : {"", "1234567", "00000000012345678", "000000000123456x", "about"})
    CHECK(start_in(other) == no_start);
}
