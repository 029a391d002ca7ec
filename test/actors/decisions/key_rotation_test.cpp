#include "actors/decisions/key_rotation.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

const key_rotation::time_point start{1h};
const next_server_key coming{"next", {7}};

/// Machines w1 and w2, the public key of w1 is `key-w1`, and a person.
keyring three_keys() {
  return keyring{{{1, {1, {"w2", key_role::agent, "key-w2", {}, {}}}},
                  {2, {2, {"w1", key_role::agent, "key-w1", {}, {}}}},
                  {3, {3, {"bob", key_role::viewer, "key-bob", {}, {}}}}}};
}

} // namespace

TEST_CASE("who has said that he has the next key knows it") {
  key_rotation r;
  r.heard("key-w1", "");
  CHECK_FALSE(r.is_known_to("key-w1"));
  r.announce(coming, start);
  CHECK(r.is_known_to("key-w1") == false);
  CHECK(r.is_known_to("key-w2") == false);
  r.heard("key-w1", "next");
  r.heard("key-w2", "another");
  CHECK(r.is_known_to("key-w1") == true);
  CHECK(r.is_known_to("key-w2") == false);
  r.announce({}, start);
  CHECK_FALSE(r.is_known_to("key-w1"));
}

TEST_CASE("the machines that do not know the next key are told of when that changes") {
  key_rotation r;
  CHECK_FALSE(r.news(three_keys(), start + 1h));
  r.announce(coming, start);
  CHECK_FALSE(r.news(three_keys(), start + 4s));
  CHECK(r.news(three_keys(), start + 5s) == names{"w1", "w2"});
  r.heard("key-w2", "next");
  CHECK_FALSE(r.news(three_keys(), start + 64s));
  CHECK(r.news(three_keys(), start + 65s) == names{"w1"});
  CHECK_FALSE(r.news(three_keys(), start + 125s));
  r.heard("key-w1", "next");
  CHECK(r.news(three_keys(), start + 185s) == names{});
  CHECK_FALSE(r.news(three_keys(), start + 245s));
}

TEST_CASE("a machine whose key is revoked need not know the next key") {
  auto all = three_keys().all();
  all.at(1).revoked_at = {9};
  key_rotation r;
  r.announce(coming, start);
  CHECK(r.news(keyring{all}, start + 5s) == names{"w1"});
}
