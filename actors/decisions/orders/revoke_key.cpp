#include "actors/decisions/orders/order.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

bool is_other_operator(const access_key& each, std::uint64_t id) {
  return each.id != id && each.grant.role == key_role::operator_ && !each.revoked_at;
}

} // namespace

versions_or_refusal order_kind<revoke_key>::decide(edit& c, const revoke_key& order, const plan&) {
  const auto& keys = c.before().keys;
  auto named = std::ranges::find_if(keys, [&](const auto& each) {
    return each.second.grant.name == order.name && !each.second.revoked_at;
  });
  if (named == keys.end())
    return failure{failure_code::not_found, fmt::format("there is no good key {}", order.name),
                   "`deploy key list` shows them"};
  auto row = named->second;
  bool another_operator = std::ranges::any_of(
    keys, [&](const auto& each) { return is_other_operator(each.second, row.id); });
  if (row.grant.role == key_role::operator_ && !another_operator)
    return failure{failure_code::refused,
                   fmt::format("{} is the only operator's key, without it nobody could order "
                               "anything",
                               order.name),
                   "first make another one: `deploy key new NAME --role operator`"};
  row.revoked_at = c.at().now;
  c.tell(key_change{row.grant.name, row.grant.role, key_state::revoked, c.who().name});
  c.put(std::move(row));
  return std::vector<group_version>{};
}

} // namespace deployminator::actors
