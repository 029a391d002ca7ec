#include "agent/decisions/trouble_book.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using news = trouble_book::news;

TEST_CASE("a trouble has the time at which it was first seen until it is over") {
  trouble_book book;
  CHECK(book.set(trouble_source::storage, {{"full", {}, "make room"}}, {5}) == news::changed);
  CHECK(book.set(trouble_source::storage, {{"full", {}, "make room"}}, {6}) == news::none);
  CHECK(book.list() == troubles{{"full", {5}, "make room"}});
  CHECK(book.set(trouble_source::storage, {}, {7}) == news::some_ended);
  CHECK(book.list().empty());
  CHECK(book.set(trouble_source::storage, {{"full", {}, "make room"}}, {8}) == news::changed);
  CHECK(book.list() == troubles{{"full", {8}, "make room"}});
}

TEST_CASE("each source of troubles speaks for itself alone") {
  trouble_book book;
  book.set(trouble_source::clock, {{"ahead", {}, ""}}, {1});
  book.set(trouble_source::storage, {{"full", {}, ""}, {"unreadable", {}, ""}}, {2});
  CHECK(book.list().size() == 3);
  CHECK(book.set(trouble_source::storage, {{"unreadable", {}, ""}}, {3}) == news::some_ended);
  CHECK(book.list() == troubles{{"unreadable", {2}, ""}, {"ahead", {1}, ""}});
  CHECK(book.set(trouble_source::record, {}, {4}) == news::none);
}
