#include "cli/board.hpp"

#include "cli/sentence.hpp"
#include "cli/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace deployminator::cli {

using namespace messages;
using reported_state = messages::instance_state;

namespace {

/// Keeps of `all` what `keys` names.
template <class Map, class Keys>
void keep_only(Map& all, const Keys& keys) {
  std::erase_if(all, [&](const auto& each) { return !keys.contains(each.first); });
}

int rank_of(reported_state s) {
  switch (s) {
    case reported_state::failed:
    case reported_state::lost:
      return 1;
    case reported_state::downloading:
      return 2;
    case reported_state::starting:
    case reported_state::running:
    case reported_state::stopping:
      return 3;
    case reported_state::preparing:
    case reported_state::stopped:
      return 5;
    case reported_state::ready:
      break;
  }
  return 6;
}

constexpr int rank_of_busy_heading = 0;
constexpr int rank_of_download = 2;
constexpr int rank_of_idle_heading = 4;

bool is_going(reported_state s) {
  return s == reported_state::stopping || s == reported_state::stopped;
}

/// The columns left beside what has to be seen.
std::size_t room_beside(std::size_t needed, const canvas& c) {
  if (c.width == 0)
    return std::string::npos;
  return c.width > needed ? c.width - needed : 0;
}

/// `machine  id  `, shortened to at most `room` columns.
std::string place_text(const std::string& machine, const std::string& id, std::size_t room,
                       bool unicode) {
  constexpr std::size_t gaps = 4;
  auto for_names = room > gaps ? room - gaps : 0;
  auto for_machine = for_names;
  if (columns(machine) + columns(id) > for_names)
    for_machine = std::max(for_names / 3, for_names - std::min(for_names, columns(id)));
  auto shown = shortened(machine, for_machine, unicode);
  return shown + "  " + shortened(id, for_names - columns(shown), unicode) + "  ";
}

} // namespace

void board::show_groups(const std::vector<group_row>& rows) {
  std::set<group_name> seen;
  for (const auto& each : rows) {
    group_name name{each.namespace_, each.group};
    seen.insert(name);
    auto& g = groups_[name];
    g.deployed = each.deployed_version;
    g.wanted = each.wanted;
    g.rollout = each.rollout ? std::optional{each.rollout->version} : std::nullopt;
    g.phase = each.rollout ? to_text(each.rollout->phase) : "";
    if (each.rollout) {
      g.begun = each.rollout->started_at;
      g.end.reset();
    }
  }
  keep_only(groups_, seen);
}

void board::show_instances(const std::vector<instance_row>& rows) {
  std::set<std::string> seen;
  for (const auto& each : rows) {
    seen.insert(each.id);
    auto& i = instances_[each.id];
    i.id = each.id;
    i.group = {each.namespace_, each.group};
    i.version = each.version;
    i.machine = each.machine;
    i.state = each.state;
    i.ports = each.ports;
    i.reason = each.reason;
  }
  keep_only(instances_, seen);
  forget_downloads_without_waiters();
}

void board::show_machines(const std::vector<machine_row>& rows) {
  machines_.clear();
  for (const auto& each : rows)
    machines_[each.name] = each.state;
}

void board::follow(const group_version& rollout, timestamp now) {
  auto& g = groups_[{rollout.namespace_, rollout.group}];
  g.rollout = rollout.version;
  g.number = rollout.rollout;
  g.begun = now;
  g.end.reset();
}

void board::apply(const event& e, timestamp now) {
  std::visit([&](const auto& what) { take(e, what); }, e.what);
  auto found = groups_.find({e.namespace_, e.group});
  if (found != groups_.end() && found->second.rollout && !found->second.begun)
    found->second.begun = now;
}

void board::take(const event& e, const download_progress& p) {
  std::pair key{p.machine, p.artifact};
  if (p.total && p.bytes >= *p.total)
    downloads_.erase(key);
  else
    downloads_[key] = {{e.namespace_, e.group}, p};
}

void board::take(const event& e, const instance_change& c) {
  bool is_gone
    = c.to == reported_state::stopped && (is_going(c.from) || c.from == reported_state::failed);
  auto& i = instances_[c.id];
  i.id = c.id;
  i.group = {e.namespace_, e.group};
  i.version = e.version;
  i.machine = c.machine;
  i.state = c.to;
  i.ports = c.ports;
  i.reason = c.reason;
  if (c.to == reported_state::starting
      || (c.to == reported_state::running && c.from != reported_state::starting))
    i.started = e.time;
  if (c.to == reported_state::ready && i.started)
    i.seconds_to_ready
      = static_cast<double>(e.time.microseconds - i.started.microseconds) / 1'000'000;
  if (is_gone || (c.to == reported_state::stopped && !is_current(i)))
    instances_.erase(c.id);
  forget_downloads_without_waiters();
}

void board::take(const event&, const machine_change& c) {
  machines_[c.machine] = c.to;
}

void board::take(const event& e, const rollout_step& s) {
  auto& g = groups_[{e.namespace_, e.group}];
  bool goes_on = g.rollout && *g.rollout == e.version
                 && (s.rollout == 0 || g.number == 0 || s.rollout == g.number);
  if (s.rollout != 0)
    g.number = s.rollout;
  // Every instance of it is ready: from here on it is what the group falls back to.
  if (s.phase == to_text(rollout_phase::stopping_old) && e.version != 0)
    g.deployed = e.version;
  if (goes_on) {
    if (from_text<rollout_phase>(s.phase))
      g.phase = s.phase;
    return;
  }
  g.rollout = e.version;
  g.phase = s.phase;
  g.begun = {};
  g.end.reset();
}

void board::take(const event& e, const rollout_finished& f) {
  auto& g = groups_[{e.namespace_, e.group}];
  // The end of the one before, told after this one began.
  bool is_of_former = g.number != 0 && f.rollout != 0
                        ? f.rollout != g.number
                        : f.outcome == rollout_outcome::superseded && g.rollout != e.version;
  if (g.rollout && is_of_former)
    return;
  if (f.outcome == rollout_outcome::succeeded) {
    g.deployed = e.version;
    // How many are wanted of it, nobody has said yet.
    g.wanted = 0;
  }
  g.rollout.reset();
  g.number = 0;
  g.phase.clear();
  g.end = {e.version, f};
}

// Public ports have no place in the picture.
void board::take(const event&, const port_change&) {}

void board::take(const event&, const port_problem&) {}

void board::take(const event&, const trouble_change&) {}

void board::take(const event&, const key_change&) {}

void board::take(const event&, const other_event&) {}

bool board::is_current(const instance_state& i) const {
  auto found = groups_.find(i.group);
  if (found == groups_.end())
    return true;
  return i.version == found->second.rollout.value_or(found->second.deployed);
}

void board::forget_downloads_without_waiters() {
  auto waits = [&](const std::string& id) {
    auto found = instances_.find(id);
    return found == instances_.end() || found->second.state == reported_state::preparing
           || found->second.state == reported_state::downloading;
  };
  std::erase_if(downloads_, [&](const auto& each) {
    const auto& waiters = each.second.progress.instances;
    return !waiters.empty() && std::none_of(waiters.begin(), waiters.end(), waits);
  });
}

line board::heading(const group_name& name, const group_state& g, const canvas& c,
                    timestamp now) const {
  std::uint64_t current = 0;
  std::uint64_t ready = 0;
  std::uint64_t others = 0;
  for (const auto& [id, i] : instances_) {
    if (i.group != name)
      continue;
    current += is_current(i) ? 1 : 0;
    ready += is_current(i) && i.state == reported_state::ready ? 1 : 0;
    others += is_current(i) ? 0 : 1;
  }
  line out{span{}};
  auto version = g.rollout.value_or(g.deployed);
  auto title = version > 0 ? fmt::format("version {}", version) : "nothing deployed";
  out.push_back({"  " + (g.rollout == 0U ? "undeploying" : title), tone::plain});
  if (!g.phase.empty())
    out.push_back({"  " + phase_of(name, g), tone::busy});
  bool is_well = g.end && g.end->second.outcome == rollout_outcome::succeeded;
  if (is_well)
    out.push_back({"  succeeded", tone::good});
  // One for the mark of what is cut behind it.
  std::size_t needed = 1;
  for (const auto& each : out)
    needed += columns(each.text);
  out.front() = {shortened(to_text(name), room_beside(needed, c), c.unicode), tone::strong};
  auto wanted = g.rollout ? current : std::max(g.wanted, current);
  if (version > 0 && wanted > 0)
    out.push_back(
      {fmt::format("  {}/{} ready", ready, wanted), ready == wanted ? tone::good : tone::plain});
  if (others > 0)
    out.push_back({fmt::format("  {} of other versions", others), tone::dim});
  if (g.rollout)
    out.push_back({"  " + age_text(g.begun, now), tone::dim});
  if (g.end && !is_well)
    out.push_back({"  " + defeat_of(g), tone::bad});
  return out;
}

std::string board::phase_of(const group_name& name, const group_state& g) const {
  auto fetches = [&](const auto& each) {
    return each.second.group == name && each.second.state == reported_state::downloading;
  };
  // What is in the machines' caches is not fetched.
  bool is_fetching = std::ranges::any_of(instances_, fetches)
                     || std::ranges::any_of(
                       downloads_, [&](const auto& each) { return each.second.group == name; });
  if (g.phase == to_text(rollout_phase::fetching) && !is_fetching)
    return "preparing";
  return phase_text(g.phase);
}

std::string board::defeat_of(const group_state& g) {
  const auto& [version, end] = *g.end;
  return fmt::format("{} {}",
                     version == 0 ? "undeploying" : fmt::format("rollout of version {}", version),
                     printable(end_text(end.outcome, end.reason)));
}

line board::row(const instance_state& i, const canvas& c) const {
  bool serves = i.state == reported_state::running || i.state == reported_state::ready;
  auto detail = serves ? ports_text(i.ports) : "";
  if (i.state == reported_state::ready && i.seconds_to_ready)
    detail += " (" + seconds_text(*i.seconds_to_ready) + ")";
  if (i.state != reported_state::ready && !i.reason.empty())
    detail += ": " + printable(i.reason);
  line rest{{detail, tone::plain}};
  if (!is_current(i))
    rest.push_back({fmt::format("  (version {})", i.version), tone::dim});
  std::string state_name{to_text(i.state)};
  // What is cut behind the state leaves a mark.
  auto needed = 2 + columns(state_name) + (detail.empty() && rest.size() == 1 ? 0 : 1);
  auto room = room_beside(needed, c);
  line out{{"  " + place_text(printable(i.machine), printable(i.id), room, c.unicode), tone::plain},
           {std::move(state_name), tone_of(i.state)}};
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

void board::add_rows(std::vector<ranked_line>& out, const group_name& name, const canvas& c) const {
  std::set<std::string> shown;
  for (const auto& [key, d] : downloads_) {
    if (d.group != name)
      continue;
    auto text = progress_line(d.progress, c);
    text.insert(text.begin(), {"  ", tone::plain});
    out.push_back({std::move(text), rank_of_download});
    shown.insert(d.progress.instances.begin(), d.progress.instances.end());
  }
  std::vector<const instance_state*> rows;
  for (const auto& [id, i] : instances_)
    // Why a fetch does not get on stands beside how far it is.
    if (i.group == name
        && !(shown.contains(id) && i.state == reported_state::downloading && i.reason.empty()))
      rows.push_back(&i);
  std::stable_sort(rows.begin(), rows.end(),
                   [](auto* a, auto* b) { return a->machine < b->machine; });
  for (auto* each : rows)
    out.push_back({row(*each, c), rank_of(each->state)});
}

std::size_t board::count_of(const group_name& name) const {
  auto is_of_it = [&](const auto& each) { return each.second.group == name; };
  return static_cast<std::size_t>(std::ranges::count_if(instances_, is_of_it));
}

std::string board::census_of(const group_name& name) const {
  std::map<reported_state, std::size_t> current;
  std::size_t all = 0;
  std::size_t others = 0;
  for (const auto& [id, i] : instances_) {
    if (i.group != name)
      continue;
    all += is_current(i) ? 1 : 0;
    others += is_current(i) ? 0 : 1;
    if (is_current(i))
      ++current[i.state];
  }
  if (all == 0)
    return counted(others, "instance") + " left";
  auto out
    = fmt::format("{} of {} ready", current[reported_state::ready], counted(all, "instance"));
  std::vector<std::string> rest;
  for (const auto& [state, count] : current)
    if (count > 0 && state != reported_state::ready)
      rest.push_back(fmt::format("{} {}", count, to_text(state)));
  if (!rest.empty())
    out += fmt::format(" ({})", fmt::join(rest, ", "));
  if (others > 0)
    out += fmt::format(", {} of other versions left", others);
  return out;
}

std::vector<line> board::lines(const canvas& c, timestamp now) const {
  std::vector<ranked_line> all;
  for (const auto& [name, g] : groups_) {
    all.push_back(
      {heading(name, g, c, now), g.rollout ? rank_of_busy_heading : rank_of_idle_heading});
    add_rows(all, name, c);
  }
  for (const auto& [name, is] : machines_)
    if (is == machine_state::unreachable)
      all.push_back({{{printable(name) + "  ", tone::plain}, {"unreachable", tone::bad}}, 1});

  if (all.empty())
    all.push_back({{{"nothing is deployed", tone::dim}}});
  return fitting(std::move(all), c.height);
}

std::vector<line> board::fitting(std::vector<ranked_line> all, std::size_t height) {
  // One row stays free for the cursor, and where lines are missing one tells how many.
  std::size_t rows = height > 2 ? height - 1 : 1;
  std::size_t room = all.size() <= rows ? rows : std::max<std::size_t>(rows - 1, 1);
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return all[a].rank < all[b].rank; });
  order.resize(std::min(room, order.size()));
  std::sort(order.begin(), order.end());

  std::vector<line> out;
  for (auto each : order)
    out.push_back(std::move(all[each].text));
  if (all.size() > room && room < rows)
    out.push_back({{fmt::format("… and {} more", all.size() - room), tone::dim}});
  return out;
}

} // namespace deployminator::cli
