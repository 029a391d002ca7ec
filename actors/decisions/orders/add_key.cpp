#include "actors/decisions/orders/order.hpp"
#include "messages/safe_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

constexpr std::size_t key_characters = 40;

std::optional<failure> mistake_in(const key_grant& grant) {
  const auto* what_to_do = "`deploy key new --help` tells what a key takes";
  if (!is_safe_name(grant.name, longest_machine_name))
    return failure{failure_code::invalid,
                   fmt::format("\"{:.60}\" is no name for a key; expected letters, digits, `.`, "
                               "`_` and `-`, at most {}, not beginning with `.` or `-`",
                               grant.name, longest_machine_name),
                   what_to_do};
  if (grant.public_key.size() != key_characters)
    return failure{failure_code::invalid,
                   fmt::format("the public key of {} is no CURVE key of {} characters", grant.name,
                               key_characters),
                   what_to_do};
  bool is_agent = grant.role == key_role::agent;
  if (!is_agent && !grant.groups.empty())
    return failure{failure_code::invalid, "machine groups are for the role agent", what_to_do};
  if (!grant.namespaces.empty() && (is_agent || grant.role == key_role::operator_))
    return failure{failure_code::invalid, "namespaces are for the roles builder and viewer",
                   what_to_do};
  return std::nullopt;
}

} // namespace

versions_or_refusal order_kind<add_key>::decide(edit& c, const add_key& order, const plan&) {
  const auto& grant = order.grant;
  if (auto mistake = mistake_in(grant))
    return *mistake;
  for (const auto& [id, each] : c.before().keys) {
    if (each.grant.public_key == grant.public_key)
      return failure{failure_code::refused,
                     fmt::format("this key is known already, as {}", each.grant.name),
                     "make a new one: `deploy key new`"};
    if (each.grant.name == grant.name && !each.revoked_at)
      return failure{
        failure_code::refused, fmt::format("there is a key {} already", grant.name),
        fmt::format("choose another name, or first `deploy key revoke {}`", grant.name)};
  }
  c.put(access_key{c.new_key_id(), grant, c.at().now, c.who().name});
  c.tell(key_change{grant.name, grant.role, key_state::valid, c.who().name});
  return std::vector<group_version>{};
}

} // namespace deployminator::actors
