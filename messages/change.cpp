#include "messages/change.hpp"

#include <algorithm>
#include <iterator>

namespace deployminator::messages {

namespace {

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

/// Drops the entries of `list` that `later` replaces or removes, so that no row is both put and
/// gone.
template <class T, class Key, class Keys>
void drop_named(std::vector<T>& list, const Keys& keys, Key key_of) {
  std::erase_if(list, [&](const T& each) {
    return std::find(keys.begin(), keys.end(), key_of(each)) != keys.end();
  });
}

} // namespace

bool is_empty(const change& c) {
  return c == change{};
}

void apply(farm& f, const change& c) {
  for (const auto& each : c.groups)
    f.groups[each.id] = each;
  for (const auto& each : c.versions) {
    f.versions[each.id] = each;
    for (const auto& app : each.applications)
      f.last_application = std::max(f.last_application, app.id);
  }
  for (const auto& each : c.instances)
    f.instances[each.id] = each;
  for (const auto& id : c.gone_instances)
    f.instances.erase(id);
  for (const auto& each : c.machines)
    f.machines[each.name] = each;
  for (const auto& each : c.rollouts)
    f.rollouts[each.group_id] = each;
  for (auto id : c.finished_rollouts)
    f.rollouts.erase(id);
  for (const auto& each : c.orders)
    f.orders[each.id] = each;
  f.last_event += c.events.size();
}

void append(change& c, change later) {
  drop_named(c.instances, later.gone_instances, [](const instance& each) { return each.id; });
  drop_named(c.rollouts, later.finished_rollouts,
             [](const rollout& each) { return each.group_id; });
  std::erase_if(c.gone_instances, [&](const std::string& id) {
    return std::any_of(later.instances.begin(), later.instances.end(),
                       [&](const instance& each) { return each.id == id; });
  });
  std::erase_if(c.finished_rollouts, [&](std::uint64_t id) {
    return std::any_of(later.rollouts.begin(), later.rollouts.end(),
                       [&](const rollout& each) { return each.group_id == id; });
  });
  move_to_end(c.groups, later.groups);
  move_to_end(c.versions, later.versions);
  move_to_end(c.instances, later.instances);
  move_to_end(c.gone_instances, later.gone_instances);
  move_to_end(c.machines, later.machines);
  move_to_end(c.rollouts, later.rollouts);
  move_to_end(c.finished_rollouts, later.finished_rollouts);
  move_to_end(c.orders, later.orders);
  move_to_end(c.events, later.events);
}

} // namespace deployminator::messages
