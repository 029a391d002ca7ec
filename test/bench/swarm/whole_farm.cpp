#include "test/bench/swarm/whole_farm.hpp"

#include "test/bench/swarm/group_order.hpp"
#include "test/bench/swarm/rollout_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace deployminator::bench {

namespace {

constexpr auto small_group = "order";
constexpr std::uint64_t small_group_instances = 10;
constexpr int orders = 20;
constexpr std::chrono::seconds idle_time{10};

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// How many of so many instances the group with this number gets.
std::uint64_t share(const options& of, std::uint64_t group) {
  return of.instances / of.groups + (group < of.instances % of.groups ? 1 : 0);
}

/// Orders a build of the small group; nothing where its instances are not ready in time.
std::optional<order_times> time_order(stage& on, rollout_watch& watch) {
  watch.begin();
  meter m{on.server};
  watch.submit(build_of(small_group, small_group_instances, ++on.last_build));
  auto accepted = m.seconds();
  if (!watch.wait_for_ready(small_group_instances))
    return std::nullopt;
  order_times out{accepted, m.seconds(), 1};
  return watch.wait_for_end() ? std::optional{out} : std::nullopt;
}

/// Times fewer orders than wanted where the time is up.
order_times time_orders(stage& on, rollout_watch& watch, meter& m) {
  std::vector<double> accepted;
  std::vector<double> ready;
  // The first one finds nothing to roll over, so it is another order than the rest.
  auto last = time_order(on, watch);
  m.begin();
  for (int i = 0; i < orders && last; ++i) {
    last = time_order(on, watch);
    if (!last)
      break;
    accepted.push_back(last->accepted_seconds);
    ready.push_back(last->ready_seconds);
  }
  return {median(accepted), median(ready), ready.size()};
}

void remove_small_group(rollout_watch& watch) {
  watch.begin();
  watch.undeploy(undeploy_of(small_group));
  watch.wait_for_end();
}

} // namespace

void measure_connect(stage& on, row& r, meter& m) {
  on.fresh_anon_mb = on.server.anon_mb();
  m.begin();
  on.swarm.grow(on.chosen.machines);
  r.complete = on.wait_for([](const counts& c) { return c.all_welcome(); });
  auto c = on.swarm.state().read();
  r.seconds = r.complete ? m.seconds_to(c.all_welcome_at) : m.seconds();
  r.done = c.welcome;
  r.more["welcome"] = c.welcome;
  r.more["sessions_lost"] = c.sessions_lost;
}

void measure_deploy(stage& on, row& r, meter& m) {
  rollout_watch watch{on.server.endpoint(), on.stop, on.until};
  auto build = ++on.last_build;
  m.begin();
  for (std::uint64_t i = 0; i < on.chosen.groups; ++i)
    watch.submit(build_of(fmt::format("g{}", i), share(on.chosen, i), build));
  auto accepted = m.seconds();
  r.complete = watch.wait_for_end();
  r.seconds = m.seconds();
  r.done = watch.ready();
  r.more["accepted_seconds"] = accepted;
  r.more["ready"] = watch.ready();
  r.more["rollouts_succeeded"] = watch.succeeded();
}

void measure_orders_on_empty_farm(stage& on, row& r, meter& m) {
  rollout_watch watch{on.server.endpoint(), on.stop, on.until};
  on.on_empty_farm = time_orders(on, watch, m);
  r.complete = on.on_empty_farm->orders == orders;
  remove_small_group(watch);
}

void measure_orders(stage& on, row& r, meter& m) {
  rollout_watch watch{on.server.endpoint(), on.stop, on.until};
  auto times = time_orders(on, watch, m);
  m.finish(r);
  r.complete = times.orders == orders;
  r.seconds = times.ready_seconds;
  r.more["accepted_seconds"] = times.accepted_seconds;
  if (on.on_empty_farm && on.on_empty_farm->orders == orders) {
    r.more["empty_seconds"] = on.on_empty_farm->ready_seconds;
    r.more["empty_accepted_seconds"] = on.on_empty_farm->accepted_seconds;
  }
  r.more["orders"] = times.orders;
  if (times.orders > 0)
    r.more["server_cpu_per_order"] = r.server_cpu_seconds / static_cast<double>(times.orders);
  remove_small_group(watch);
}

void measure_join(stage& on, row& r, meter& m) {
  rollout_watch watch{on.server.endpoint(), on.stop, on.until};
  on.swarm.grow(1);
  r.complete = on.wait_for([](const counts& c) { return c.introduced == c.agents; });
  m.begin();
  watch.client().ask<messages::table>(messages::query{}, watch.timeout());
  r.seconds = m.seconds();
  r.complete &= on.wait_for([](const counts& c) { return c.all_welcome(); });
  auto c = on.swarm.state().read();
  if (c.all_welcome())
    r.more["welcome_seconds"]
      = std::chrono::duration<double>(c.all_welcome_at - c.all_introduced_at).count();
}

void measure_idle(stage& on, row& r, meter& m) {
  // What the rows before set off comes to its end.
  on.wait_for([](const counts& c) { return c.all_in_sync(); });
  m.begin();
  auto lost_before = on.swarm.state().read().sessions_lost;
  for (auto until = std::chrono::steady_clock::now() + idle_time;
       std::chrono::steady_clock::now() < until && !on.stop.requested();)
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  r.complete = !on.stop.requested();
  r.seconds = m.seconds();
  m.finish(r);
  r.more["server_cores"] = r.server_cpu_seconds / r.seconds;
  r.more["kb_per_machine"]
    = (r.server_anon_mb - on.fresh_anon_mb) * 1000 / static_cast<double>(on.chosen.machines);
  r.more["sessions_lost"] = on.swarm.state().read().sessions_lost - lost_before;
}

} // namespace deployminator::bench
