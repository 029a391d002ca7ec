#include "actors/decisions/key_rotation.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::actors {

namespace {

/// Whoever is connected has heard of it by then, or has come back after the server's start.
constexpr std::chrono::seconds first_look{5};
constexpr std::chrono::seconds between_looks{60};

} // namespace

void key_rotation::announce(std::optional<messages::next_server_key> next, time_point now) {
  next_ = std::move(next);
  next_look_ = now + first_look;
  told_.reset();
}

void key_rotation::heard(const std::string& public_key, const std::string& next_key) {
  heard_[public_key] = next_key;
}

std::optional<bool> key_rotation::is_known_to(const std::string& public_key) const {
  if (!next_)
    return std::nullopt;
  auto said = heard_.find(public_key);
  return said != heard_.end() && said->second == next_->key;
}

std::optional<std::vector<std::string>> key_rotation::news(const keyring& keys, time_point now) {
  if (!next_ || now < next_look_)
    return std::nullopt;
  next_look_ = now + between_looks;
  std::vector<std::string> machines;
  for (const auto& [id, each] : keys.all())
    if (each.grant.role == messages::key_role::agent && keys.valid(each.grant.public_key)
        && !*is_known_to(each.grant.public_key))
      machines.push_back(each.grant.name);
  std::ranges::sort(machines);
  if (told_ == machines)
    return std::nullopt;
  told_ = machines;
  return machines;
}

} // namespace deployminator::actors
