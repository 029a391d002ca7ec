#include "actors/decisions/keyring.hpp"
#include "test/actors/decisions/small_farm.hpp"

#include <doctest/doctest.h>

using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

const std::string some_key(40, 'a');
const std::string other_key(40, 'b');

decided_order add(small_farm& farm, const std::string& name, key_role role,
                  const std::string& public_key) {
  static int orders = 0;
  return farm.give(add_key{fmt::format("add-{}", ++orders), {name, role, public_key, {}, {}}});
}

decided_order revoke(small_farm& farm, const std::string& name) {
  return farm.give(revoke_key{"revoke-" + name, name});
}

} // namespace

TEST_CASE("the first operator is let in once, and not again when revoked") {
  small_farm farm{0};
  farm.make(first_operator(farm.state, some_key, farm.now()));
  REQUIRE(farm.state.keys.size() == 1);
  CHECK(farm.state.keys.at(1).grant.role == key_role::operator_);
  CHECK(is_empty(first_operator(farm.state, some_key, farm.now())));
  CHECK(is_empty(first_operator(farm.state, "", farm.now())));
}

TEST_CASE("a key is added in the name of who ordered it, and told") {
  small_farm farm{0};
  auto made = add(farm, "ci", key_role::builder, some_key);
  REQUIRE_FALSE(made.refused);
  const auto& row = farm.state.keys.at(1);
  CHECK(row.grant.name == "ci");
  CHECK(row.created_by == "somebody");
  CHECK_FALSE(row.revoked_at);
  CHECK(told<key_change>(made.what)
        == std::vector<key_change>{{"ci", key_role::builder, key_state::valid, "somebody"}});
}

TEST_CASE("a key is refused that has a name or a key that is known, or makes no sense") {
  small_farm farm{0};
  add(farm, "ci", key_role::builder, some_key);
  CHECK(add(farm, "ci", key_role::viewer, other_key).refused->message
        == "there is a key ci already");
  CHECK(add(farm, "bob", key_role::viewer, some_key).refused->message
        == "this key is known already, as ci");
  CHECK(add(farm, "", key_role::viewer, other_key).refused);
  CHECK(add(farm, "-x", key_role::viewer, other_key).refused);
  CHECK(add(farm, "a b", key_role::viewer, other_key).refused);
  CHECK(add(farm, "bob", key_role::viewer, "short").refused);
  CHECK(farm.give(add_key{"o1", {"bob", key_role::viewer, other_key, {}, {"db"}}}).refused);
  CHECK(farm.give(add_key{"o2", {"w1", key_role::agent, other_key, {"shop"}, {}}}).refused);
  CHECK(farm.state.keys.size() == 1);
}

TEST_CASE("a revoked key is good no more, and its name is free") {
  small_farm farm{0};
  add(farm, "ci", key_role::builder, some_key);
  CHECK(keyring{farm.state.keys}.valid(some_key));
  auto made = revoke(farm, "ci");
  REQUIRE_FALSE(made.refused);
  CHECK(told<key_change>(made.what).at(0).to == key_state::revoked);
  CHECK_FALSE(keyring{farm.state.keys}.valid(some_key));
  CHECK_FALSE(add(farm, "ci", key_role::builder, other_key).refused);
  CHECK(add(farm, "ci2", key_role::builder, some_key).refused);
}

TEST_CASE("a key that is not there, or was revoked, is not revoked") {
  small_farm farm{0};
  CHECK(revoke(farm, "eve").refused->code == failure_code::not_found);
}

TEST_CASE("the only operator's key stays") {
  small_farm farm{0};
  add(farm, "alice", key_role::operator_, some_key);
  CHECK(revoke(farm, "alice").refused->code == failure_code::refused);
  add(farm, "bob", key_role::operator_, other_key);
  CHECK_FALSE(farm.give(revoke_key{"o", "alice"}).refused);
}
