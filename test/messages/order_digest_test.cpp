#include "messages/order_digest.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace deployminator::messages;

namespace {

submit_build build() {
  return {"order-1",  "deploy.yaml", "namespace: shop", 7,   "web",
          "artifact", "main",        "c0ffee",          "ab"};
}

/// How many different digests these orders have.
template <class Order>
std::size_t digests_of(const std::vector<Order>& orders) {
  std::set<std::uint64_t> found;
  for (const auto& each : orders)
    found.insert(digest_of(order{each}));
  return found.size();
}

} // namespace

TEST_CASE("an order that is repeated has the digest it had, under another id too") {
  auto again = build();
  again.order_id = "order-2";
  CHECK(digest_of(order{again}) == digest_of(order{build()}));
  CHECK(digest_of(order{roll_to_version{"a", "ns", "g", 3}})
        == digest_of(order{roll_to_version{"b", "ns", "g", 3}}));
  CHECK(digest_of(order{undeploy{"a", "ns", "g"}}) == digest_of(order{undeploy{"b", "ns", "g"}}));
}

TEST_CASE("every key of a build's order counts") {
  std::vector<submit_build> orders(9, build());
  orders[1].file_name = "x";
  orders[2].file = "x";
  orders[3].build = 8;
  orders[4].repository = "x";
  orders[5].artifact_id = "x";
  orders[6].branch = "x";
  orders[7].commit = "x";
  orders[8].sha256 = "x";
  CHECK(digests_of(orders) == orders.size());
}

TEST_CASE("every key of the other orders counts") {
  CHECK(digests_of<roll_to_version>(
          {{"o", "ns", "g", 3}, {"o", "xx", "g", 3}, {"o", "ns", "x", 3}, {"o", "ns", "g", 4}})
        == 4);
  CHECK(digests_of<undeploy>({{"o", "ns", "g"}, {"o", "xx", "g"}, {"o", "ns", "x"}}) == 3);
}

TEST_CASE("text does not slip from one key into the next") {
  CHECK(digests_of<undeploy>({{"o", "ab", "c"}, {"o", "a", "bc"}, {"o", "", "abc"}}) == 3);
}

TEST_CASE("orders of two kinds have two digests") {
  CHECK(digests_of<stop_group>({{{"o", "ns", "g", "a"}}, {{"o", "ns", "g", ""}}}) == 2);
  CHECK(digest_of(order{stop_group{}}) != digest_of(order{start_group{}}));
  CHECK(digest_of(order{undeploy{}}) != digest_of(order{roll_to_version{}}));
  CHECK(digest_of(order{roll_to_version{"o", "ns", "g", 0}})
        != digest_of(order{undeploy{"o", "ns", "g"}}));
}
