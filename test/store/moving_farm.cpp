#include "test/store/moving_farm.hpp"

#include <fmt/format.h>

namespace deployminator::test {

// So that none is ever old.
constexpr std::uint64_t kept_orders = 500;

messages::change nth_change(std::uint64_t n) {
  messages::change c;
  c.groups.push_back({1, "demo", "shop", n - 1, n, {}});
  messages::version v;
  v.id = n;
  v.group_id = 1;
  for (auto id : {2 * n, 2 * n - 1}) {
    v.applications.emplace_back().id = id;
    v.applications.back().name = fmt::format("app-{}", id);
  }
  c.versions.push_back(v);
  for (int i = 0; i < 10; ++i) {
    auto id = fmt::format("{}-{}", n, i);
    messages::instance each;
    each.id = id;
    each.version_id = n;
    each.group_id = 1;
    each.application = v.applications[0].name;
    each.machine = "m";
    each.memory_mb = v.applications[0].limits.max_memory_mb;
    each.seen.id = id;
    c.instances.push_back(each);
    if (n > 2)
      c.gone_instances.push_back({fmt::format("{}-{}", n - 2, i), 1});
  }
  c.machines.push_back({"m", "x", {"worker"}, 1, "0.1", {}, n});
  if (n % 2 == 0)
    c.rollouts.push_back({.group_id = 1, .id = n, .from = n - 1, .to = n});
  else
    c.finished_rollouts.push_back({1});
  c.receipts.push_back({.id = fmt::format("order-{}", n % kept_orders),
                        .versions = {{"demo", "shop", n, n}},
                        .seq = n});
  for (int i = 0; i < 3; ++i)
    c.events.push_back({0, {1}, "", "", 0, messages::rollout_step{"placed", std::to_string(n)}});
  return c;
}

std::uint64_t changes_in(const messages::farm& f) {
  return f.machines.empty() ? 0 : f.machines.begin()->second.generation;
}

} // namespace deployminator::test
