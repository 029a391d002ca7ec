#include "messages/farm.hpp"
#include "store/document.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace deployminator;
using messages::observation;

TEST_CASE("a value is kept as JSON that people can read") {
  observation o;
  o.id = "web-1";
  o.pid = 42;
  auto kept = store::to_document(o);
  CHECK(kept.is_json);
  CHECK(kept.bytes.find("\"id\":\"web-1\"") != std::string::npos);
  CHECK(store::from_document<observation>(kept.bytes) == o);
}

TEST_CASE("output that is not UTF-8 is kept to the byte") {
  observation o;
  o.output = std::string{"\xff\x00\x80", 3};
  auto kept = store::to_document(o);
  CHECK_FALSE(kept.is_json);
  CHECK(store::from_document<observation>(kept.bytes) == o);
}

TEST_CASE("numbers that JSON cannot say are kept") {
  std::vector<double> numbers{std::numeric_limits<double>::infinity(), 0.1};
  auto kept = store::to_document(numbers);
  CHECK(store::from_document<std::vector<double>>(kept.bytes) == numbers);
  kept = store::to_document(std::vector<double>{std::nan("")});
  CHECK(std::isnan(store::from_document<std::vector<double>>(kept.bytes).at(0)));
}

TEST_CASE("what was added to a value later has its default in what was kept before") {
  CHECK(store::from_document<observation>(R"({"id":"a","unknown":1})").id == "a");
  CHECK(store::from_document<observation>("{}") == observation{});
}

TEST_CASE("a damaged document is told") {
  CHECK_THROWS_AS(store::from_document<observation>(""), store::damage);
  CHECK_THROWS_AS(store::from_document<observation>("{\"id\":"), store::damage);
  CHECK_THROWS_AS(store::from_document<observation>("\x81\xa2id"), store::damage);
  CHECK_THROWS_AS(store::from_document<observation>("{\"state\":\"odd\"}"), store::damage);
  CHECK_THROWS_AS(store::from_document<observation>("{\"pid\":\"seven\"}"), store::damage);
}
