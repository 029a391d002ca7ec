#include "actors/decisions/usage_gathering.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

messages::measured of(std::vector<std::pair<std::string, double>> list) {
  messages::measured out;
  for (auto& [id, percent] : list)
    out.usages.push_back({id, percent, 1, 1, std::nullopt});
  return out;
}

} // namespace

TEST_CASE("of what machines measured those that use most stand first") {
  usage_gathering all{{"a", "b", "c"}};
  all.add(of({{"a", 1}, {"b", 90}}));
  all.add(of({{"c", 5}}));
  auto found = std::move(all).result();
  REQUIRE(found.usages.size() == 3);
  CHECK(found.usages[0].id == "b");
  CHECK(found.usages[1].id == "c");
  CHECK_FALSE(found.more);
}

TEST_CASE("nobody hears of instances that were not asked for, nor of one twice") {
  usage_gathering all{{"a"}};
  all.add(of({{"a", 1}, {"others", 90}}));
  all.add(of({{"a", 70}}));
  auto found = std::move(all).result();
  REQUIRE(found.usages.size() == 1);
  CHECK(found.usages[0].cpu_percent == 1);
}

TEST_CASE("machines that said nothing are named") {
  usage_gathering all{{}};
  all.miss("w2");
  all.miss("w1");
  CHECK(std::move(all).result().silent == std::vector<std::string>{"w1", "w2"});
}

TEST_CASE("of more than a message holds the least are left out") {
  std::set<std::string> ids;
  messages::measured many;
  for (int i = 0; i < 6'000; ++i) {
    ids.insert(std::to_string(i));
    many.usages.push_back({std::to_string(i), static_cast<double>(i), 1, 1, 3});
  }
  usage_gathering all{ids};
  all.add(many);
  auto found = std::move(all).result();
  CHECK(found.more);
  CHECK(found.usages.size() == 5'000);
  CHECK(found.usages.front().id == "5999");
}
