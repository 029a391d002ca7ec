#include "actors/decisions/keyring.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::actors {

using namespace messages;

keyring::keyring(std::map<std::uint64_t, access_key> all) : all_(std::move(all)) {
  for (const auto& [id, each] : all_)
    by_public_key_[each.grant.public_key] = id;
}

const access_key* keyring::valid(const std::string& public_key) const {
  auto known = by_public_key_.find(public_key);
  if (known == by_public_key_.end())
    return nullptr;
  const auto& found = all_.at(known->second);
  return found.revoked_at ? nullptr : &found;
}

caller caller_of(const access_key& key) {
  return {key.grant.name, key.grant.role, key.grant.namespaces};
}

change first_operator(const farm& f, const std::string& public_key, const moment& m) {
  auto is_known = std::ranges::any_of(
    f.keys, [&](const auto& each) { return each.second.grant.public_key == public_key; });
  if (public_key.empty() || is_known)
    return {};
  edit c{f, m};
  c.put(access_key{c.new_key_id(),
                   {"operator", key_role::operator_, public_key, {}, {}},
                   m.now,
                   "deployminator --init"});
  c.tell(key_change{"operator", key_role::operator_, key_state::valid, "deployminator --init"});
  return std::move(c).done();
}

} // namespace deployminator::actors
