#include "actors/decisions/log_gathering.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

kept_log log_of(const std::string& id, const std::string& namespace_, std::int64_t gone_at) {
  kept_log out;
  out.instance = id;
  out.namespace_ = namespace_;
  out.machine = "whoever";
  out.gone_at = {gone_at};
  return out;
}

} // namespace

TEST_CASE("logs are listed newest first, with the machine that said so") {
  log_gathering all{caller{}};
  all.add("w1", {{log_of("a", "shop", 1), log_of("c", "", 3)}, false, {"lies"}});
  all.add("w2", {{log_of("b", "bank", 2)}, false, {}});
  all.miss("w3");
  auto out = std::move(all).result();
  REQUIRE(out.logs.size() == 3);
  CHECK(out.logs[0].instance == "c");
  CHECK(out.logs[0].machine == "w1");
  CHECK(out.logs[1].instance == "b");
  CHECK(out.logs[1].machine == "w2");
  CHECK(out.silent == std::vector<std::string>{"w3"});
  CHECK_FALSE(out.more);
}

TEST_CASE("who is limited to namespaces sees no others' logs, and none of unknown origin") {
  log_gathering all{caller{"bob", key_role::viewer, {"shop"}}};
  all.add("w1", {{log_of("a", "shop", 1), log_of("b", "bank", 2), log_of("c", "", 3)}, false, {}});
  auto out = std::move(all).result();
  REQUIRE(out.logs.size() == 1);
  CHECK(out.logs[0].instance == "a");
}

TEST_CASE("of more logs than a message holds the newest are told, and that there are more") {
  log_gathering all{caller{}};
  found_logs many;
  for (int n = 0; n < 1'500; ++n)
    many.logs.push_back(log_of("i" + std::to_string(n), "shop", n));
  all.add("w1", many);
  auto out = std::move(all).result();
  CHECK(out.logs.size() == 1'000);
  CHECK(out.logs[0].instance == "i1499");
  CHECK(out.more);
}
