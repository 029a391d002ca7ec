#include "simulation/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <variant>

namespace deployminator::simulation {

namespace {

constexpr moment first_order = 4s;
/// An undeploy waits for five minutes for machines out of reach.
constexpr moment last_order = 270s;

std::size_t farm_size(dice& d) {
  // Small farms have all the interesting cases and cost little: one in a few is large.
  return static_cast<std::size_t>(5 + 46 * std::pow(d.unit(), 4));
}

std::vector<machine_plan> draw_machines(dice& d, std::size_t count) {
  std::vector<machine_plan> out;
  for (std::size_t i = 1; i <= count; ++i) {
    machine_plan each{fmt::format("m{}", i), {"worker"}, moment{0}, {}, false};
    if (d.chance(0.25))
      each.groups.push_back("db");
    if (i > 2 && d.chance(0.1))
      each.joins = d.between(10s, 280s);
    else if (i > 2 && d.chance(0.04))
      each.leaves = d.between(30s, 280s);
    out.push_back(std::move(each));
  }
  return out;
}

nature draw_nature(dice& d) {
  constexpr std::array natures{nature::good,    nature::good, nature::good,   nature::good,
                               nature::good,    nature::good, nature::slow,   nature::deaf,
                               nature::crashes, nature::job,  nature::broken, nature::short_lived};
  return natures[d.below(natures.size())];
}

/// An application as deploy.yaml has it. Which applications a group has depends on the group alone.
std::string draw_application(dice& d, std::size_t group, std::size_t index, std::size_t machines) {
  auto behaves = draw_nature(d);
  bool everywhere = (group + index) % 3 == 1;
  auto min_ready = d.between(500ms, 5s).count() / 1'000'000;
  auto text = fmt::format("      - name: app{}\n", index);
  text += fmt::format("        downloadurl: http://web/g{}-{}-${{BUILDID}}{}.tar\n", group, index,
                      d.chance(0.04) ? "-missing" : "");
  text += "        binary: app\n";
  auto health = health_nature::unchecked;
  if (behaves == nature::good && d.chance(0.4))
    health = d.chance(0.3) ? health_nature::hangs : health_nature::flaps;
  text += fmt::format("        args: [\"--behave={}\", \"--min-ready={}\", \"--port=${{PORT1}}\", "
                      "\"--health={}\"]\n",
                      nature_names[static_cast<std::size_t>(behaves)], min_ready,
                      health_names[static_cast<std::size_t>(health)]);
  if (health != health_nature::unchecked)
    text += fmt::format(
      "        health: {{http: /health, interval: 1s, timeout: 500ms, failures: {}}}\n",
      bad_checks_allowed);
  if (everywhere)
    text += "        strategy: one-per-machine\n";
  else
    text += fmt::format("        instances: {}\n", 1 + d.below(std::min<std::size_t>(machines, 8)));
  if (!everywhere && d.chance(0.2))
    text += "        strategy: pack\n";
  else if (!everywhere && d.chance(0.3))
    text += "        strategy: outside\n";
  if (group == 2)
    text += "        machines: worker, db\n";
  else if (index == 1)
    text += "        machines: db\n";
  if (behaves == nature::job)
    text += "        alwayson: false\n";
  text += fmt::format("        rollout: {{parallel: {}, min_ready: {}ms, deadline: 60s}}\n",
                      d.chance(0.5) || machines > 12 ? "50%" : "1", min_ready);
  text += "        restart: {backoff: 1s..8s, give_up_after: never}\n";
  text += "        stop: {timeout: 4s}\n";
  return text;
}

std::string draw_file(dice& d, std::size_t group, std::size_t machines) {
  auto text = fmt::format("namespace: shop\ngroups:\n  - groupid: g{}\n    applications:\n", group);
  for (std::size_t i = 0; i <= group % 2; ++i)
    text += draw_application(d, group, i, machines);
  return text;
}

order_plan draw_order(dice& d, std::size_t number, std::size_t groups, std::size_t machines) {
  order_plan out;
  out.id = fmt::format("order-{}", number);
  out.client = d.below(client_count);
  out.at = d.between(first_order, last_order);
  auto group = d.below(groups);
  auto name = fmt::format("g{}", group);
  auto kind = number <= groups ? 0.0 : d.unit();
  if (kind < 0.7) {
    auto build = 100 + number;
    // Every group gets a first build soon, so that there is something to go wrong.
    if (number <= groups) {
      group = number - 1;
      name = fmt::format("g{}", group);
      out.at = d.between(first_order, 30s);
    }
    messages::submit_build order;
    order.order_id = out.id;
    order.file_name = "deploy.yaml";
    order.file = draw_file(d, group, machines);
    order.build = build;
    out.body = std::move(order);
    out.text = fmt::format("build {} of {}", build, name);
  } else if (kind < 0.85) {
    out.body = messages::roll_to_version{out.id, "shop", name, 0};
    out.text = "rollback of " + name;
  } else if (kind < 0.90) {
    out.body = messages::undeploy{out.id, "shop", name};
    out.text = "undeploy of " + name;
  } else {
    // Half of them about one application.
    messages::part_of_group part{out.id, "shop", name, d.chance(0.5) ? "app0" : ""};
    if (kind < 0.93)
      out.body = messages::stop_group{part};
    else if (kind < 0.97)
      out.body = messages::start_group{part};
    else
      out.body = messages::restart_group{part};
    out.text
      = fmt::format("{} of {}/{}", std::visit([](const auto& each) { return each.type; }, out.body),
                    name, part.application);
  }
  return out;
}

/// The host that a fault is about.
std::string draw_host(dice& d, fault_kind kind, const std::vector<machine_plan>& machines) {
  auto any_machine = [&] { return machines[d.below(machines.size())].name; };
  switch (kind) {
    case fault_kind::agent_dies:
    case fault_kind::machine_reboots:
    case fault_kind::regrouped:
    case fault_kind::disk_full:
    case fault_kind::program_ends:
    case fault_kind::port_taken:
      return any_machine();
    case fault_kind::freeze:
    case fault_kind::upgraded:
    case fault_kind::clock_jumps:
      return d.chance(0.3) ? "server" : any_machine();
    case fault_kind::cut_to:
    case fault_kind::cut_from:
    case fault_kind::lossy:
    case fault_kind::repeating:
    case fault_kind::slow_network: {
      auto draw = d.unit();
      if (draw < 0.15)
        return "*";
      if (draw < 0.3)
        return fmt::format("client-{}", d.below(client_count));
      return any_machine();
    }
    default:
      return {};
  }
}

fault draw_fault(dice& d, std::uint32_t number, const std::vector<order_plan>& orders,
                 const std::vector<machine_plan>& machines, moment calm) {
  // What happens often, and what does much, comes more than once.
  constexpr std::array kinds{
    fault_kind::server_dies,     fault_kind::server_dies,    fault_kind::server_dies,
    fault_kind::takeover,        fault_kind::split,          fault_kind::agent_dies,
    fault_kind::agent_dies,      fault_kind::agent_dies,     fault_kind::machine_reboots,
    fault_kind::freeze,          fault_kind::freeze,         fault_kind::clock_jumps,
    fault_kind::regrouped,       fault_kind::disk_full,      fault_kind::program_ends,
    fault_kind::program_ends,    fault_kind::port_taken,     fault_kind::cut_to,
    fault_kind::cut_from,        fault_kind::lossy,          fault_kind::repeating,
    fault_kind::slow_network,    fault_kind::database_away,  fault_kind::commits_fail,
    fault_kind::commits_unknown, fault_kind::artifacts_slow, fault_kind::artifacts_break_off,
    fault_kind::artifacts_wrong, fault_kind::upgraded};
  fault out;
  out.number = number;
  out.kind = kinds[d.below(kinds.size())];
  out.at = d.between(1s, calm - 1s);
  // Most interesting is what goes wrong while something is under way.
  if (!orders.empty() && d.chance(0.7))
    out.at = std::min(orders[d.below(orders.size())].at + d.between(0s, 20s), calm - 1s);
  out.lasts = d.chance(0.6) ? d.between(200ms, 6s) : d.between(6s, 40s);
  out.lasts = std::min(out.lasts, calm - out.at);
  out.who = draw_host(d, out.kind, machines);
  out.detail = d.below(60);
  return out;
}

/// Some builds come again, with as many instances as before or with another number.
void draw_repetitions(dice d, std::vector<order_plan>& orders) {
  constexpr std::string_view key = "instances: ";
  std::map<std::string, messages::submit_build> last;
  for (auto& each : orders) {
    auto* build = std::get_if<messages::submit_build>(&each.body);
    if (!build)
      continue;
    auto group = build->file.substr(0, build->file.find("applications:"));
    auto before = last.find(group);
    if (before != last.end() && d.chance(0.3)) {
      build->build = before->second.build;
      build->file = before->second.file;
      auto count = build->file.find(key);
      if (count != std::string::npos && d.chance(0.6))
        build->file.replace(count + key.size(), 1, std::to_string(1 + d.below(5)));
      each.text += fmt::format(": build {} again", build->build);
    }
    last[group] = *build;
  }
}

/// Some builds ask first, have their old stop first, or leave what failed for looking at.
void draw_options(dice d, std::vector<order_plan>& orders) {
  constexpr std::string_view key = "rollout: {";
  for (auto& each : orders) {
    auto* build = std::get_if<messages::submit_build>(&each.body);
    for (auto at = build ? build->file.find(key) : std::string::npos; at != std::string::npos;
         at = build->file.find(key, at + 1)) {
      std::string options;
      if (d.chance(0.3))
        options += "order: stop-first, ";
      if (d.chance(0.2))
        options += fmt::format("canary: {}, ", 1 + d.below(2));
      if (d.chance(0.15))
        options += "auto_revert: false, ";
      build->file.insert(at + key.size(), options);
    }
  }
}

/// Some builds are planned first, and ordered with the digest of that. The first of each group come
/// in any case.
void draw_plans(dice d, std::size_t groups, std::vector<order_plan>& orders) {
  for (std::size_t i = groups; i < orders.size(); ++i)
    if (std::holds_alternative<messages::submit_build>(orders[i].body) && d.chance(0.4))
      orders[i].plans_ahead = d.chance(0.5) ? d.between(0s, 2s) : d.between(2s, 15s);
}

/// Some builds have what ran on silent machines replaced.
void draw_patience(dice d, std::vector<order_plan>& orders) {
  constexpr std::string_view key = "        rollout: {";
  for (auto& each : orders) {
    auto* build = std::get_if<messages::submit_build>(&each.body);
    for (auto at = build ? build->file.find(key) : std::string::npos; at != std::string::npos;
         at = build->file.find(key, at + 1)) {
      if (!d.chance(0.5))
        continue;
      auto line = fmt::format("        unreachable: {{replace_after: {}s}}\n", 2 + d.below(40));
      build->file.insert(at, line);
      at += line.size();
    }
  }
}

order_plan said_to_rollout(std::size_t number, std::size_t client, moment at,
                           const std::string& group, std::size_t what) {
  order_plan out;
  out.id = fmt::format("said-{}", number);
  out.client = client;
  out.at = at;
  messages::about_rollout about{out.id, "shop", group};
  constexpr std::array verbs{"promote", "abort", "pause", "resume"};
  switch (what) {
    case 0:
      out.body = messages::promote_rollout{about};
      break;
    case 1:
      out.body = messages::abort_rollout{about};
      break;
    case 2:
      out.body = messages::pause_rollout{about};
      break;
    default:
      out.body = messages::resume_rollout{about};
  }
  out.text = fmt::format("{} of {}", verbs[std::min<std::size_t>(what, 3)], group);
  return out;
}

/// People look at their rollouts and say something; in the end what still waits for them goes on.
void draw_words(dice d, std::size_t groups, moment calm, std::vector<order_plan>& orders) {
  std::size_t number = 0;
  auto drawn = orders.size();
  for (std::size_t i = 0; i < drawn; ++i)
    for (auto count = d.below(3); count > 0; --count) {
      auto at = std::min(orders[i].at + d.between(1s, 25s), last_order);
      auto group = fmt::format("g{}", d.below(groups));
      auto client = d.below(client_count);
      // Seldom an abort.
      constexpr std::array<std::size_t, 8> words{0, 0, 0, 1, 2, 2, 3, 3};
      auto what = words[d.below(words.size())];
      orders.push_back(said_to_rollout(++number, client, at, group, what));
    }
  for (auto at : {calm + 10s, calm + 40s, calm + 80s})
    for (std::size_t group = 0; group < groups; ++group)
      for (std::size_t what : {std::size_t{3}, std::size_t{0}})
        orders.push_back(said_to_rollout(++number, 0, at + (what == 0 ? 1s : 0s),
                                         fmt::format("g{}", group), what));
}

order_plan said_of_machine(std::size_t number, std::size_t client, moment at,
                           const std::string& machine, std::size_t what) {
  order_plan out;
  out.id = fmt::format("machine-{}", number);
  out.client = client;
  out.at = at;
  messages::about_machine about{out.id, machine};
  constexpr std::array verbs{"drain", "undrain", "forget"};
  if (what == 0)
    out.body = messages::drain_machine{about};
  else if (what == 1)
    out.body = messages::undrain_machine{about};
  else
    out.body = messages::forget_machine{about};
  out.text = fmt::format("{} of {}", verbs[std::min<std::size_t>(what, 2)], machine);
  return out;
}

/// Some machines are emptied, most of them for a while; those that were switched off are forgotten.
void draw_drains(dice d, const std::vector<machine_plan>& machines, moment calm,
                 std::vector<order_plan>& orders) {
  std::size_t number = 0;
  auto say = [&](moment at, const std::string& machine, std::size_t what) {
    orders.push_back(said_of_machine(++number, d.below(client_count), at, machine, what));
  };
  auto drained = std::min<std::size_t>(d.below(4), machines.size() - 1);
  for (std::size_t i = 0; i < drained; ++i) {
    const auto& name = machines[d.below(machines.size())].name;
    auto at = d.between(first_order, last_order);
    say(at, name, 0);
    if (d.chance(0.6))
      say(std::min(at + d.between(2s, 60s), last_order + 10s), name, 1);
  }
  for (auto count = d.below(3); count > 0; --count) {
    order_plan even;
    even.id = fmt::format("even-{}", ++number);
    even.client = d.below(client_count);
    even.at = d.between(first_order, last_order);
    even.body = messages::redistribute_farm{even.id};
    even.text = "redistribution";
    orders.push_back(std::move(even));
  }
  for (const auto& each : machines)
    if (each.leaves && d.chance(0.5))
      say(std::min(*each.leaves + d.between(2s, 40s), calm - 1s), each.name, 2);
}

} // namespace

std::string to_text(const fault& f) {
  return fmt::format("{:>3}  {:>11}  {}{}{} for {} s", f.number, to_text(f.at),
                     fault_names[static_cast<std::size_t>(f.kind)], f.who.empty() ? "" : " ", f.who,
                     to_text(f.lasts));
}

plan make_plan(std::uint64_t seed, std::optional<std::size_t> machines) {
  plan out;
  out.seed = seed;
  dice d{seed, "plan"};
  auto size = farm_size(d);
  out.machines = draw_machines(d, machines.value_or(size));
  dice ports{seed, "public ports"};
  for (auto& each : out.machines)
    each.has_public_port = ports.chance(0.4);
  auto groups = 1 + d.below(3);
  auto order_count = groups + 2 + d.below(8);
  for (std::size_t i = 1; i <= order_count; ++i)
    out.orders.push_back(draw_order(d, i, groups, out.machines.size()));
  std::sort(out.orders.begin(), out.orders.end(),
            [](const order_plan& a, const order_plan& b) { return a.at < b.at; });
  draw_repetitions(dice{seed, "repetitions"}, out.orders);
  draw_options(dice{seed, "options"}, out.orders);
  draw_plans(dice{seed, "plans"}, groups, out.orders);
  auto fault_count = d.below(30);
  for (std::uint32_t i = 1; i <= fault_count; ++i)
    out.faults.push_back(draw_fault(d, i, out.orders, out.machines, out.calm));
  draw_patience(dice{seed, "patience"}, out.orders);
  draw_drains(dice{seed, "drains"}, out.machines, out.calm, out.orders);
  draw_words(dice{seed, "words"}, groups, out.calm, out.orders);
  return out;
}

} // namespace deployminator::simulation
