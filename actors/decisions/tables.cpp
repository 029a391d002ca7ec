#include "actors/decisions/tables.hpp"

#include "actors/decisions/order.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

bool is_asked_for(const query& q, const group& g) {
  return (q.namespace_.empty() || q.namespace_ == g.namespace_)
         && (q.group.empty() || q.group == g.name);
}

const application* application_of(const version& v, const std::string& name) {
  auto found = std::find_if(v.applications.begin(), v.applications.end(),
                            [&](const application& each) { return each.name == name; });
  return found == v.applications.end() ? nullptr : &*found;
}

instance_state shown_state(const instance& each, const std::set<std::string>& reachable) {
  return reachable.contains(each.machine) ? each.seen.state : instance_state::lost;
}

std::optional<timestamp> if_set(timestamp t) {
  return t ? std::optional{t} : std::nullopt;
}

instance_row row_of(const instance& each, const version& v, const group& g,
                    const std::set<std::string>& reachable) {
  const auto& seen = each.seen;
  instance_row row{each.id,
                   g.namespace_,
                   g.name,
                   each.application,
                   v.id,
                   v.build,
                   each.machine,
                   shown_state(each, reachable),
                   seen.pid,
                   seen.uid,
                   seen.ports,
                   seen.restarts,
                   if_set(seen.started_at),
                   if_set(seen.ready_at),
                   seen.exit,
                   seen.reason};
  if (row.state == instance_state::lost)
    row.reason = "the machine is out of reach";
  if (const auto* app = application_of(v, each.application))
    for (const auto& service : app->services)
      if (service.port_index >= 1 && service.port_index <= seen.ports.size())
        row.services.push_back({service.name, seen.ports[service.port_index - 1], service.types});
  return row;
}

std::vector<instance_row> instance_rows(const farm& f, const std::set<std::string>& reachable,
                                        const query& q) {
  std::vector<instance_row> rows;
  for (const auto& [id, each] : f.instances) {
    const auto& v = f.versions.at(each.version_id);
    const auto& g = f.groups.at(v.group_id);
    if (is_asked_for(q, g))
      rows.push_back(row_of(each, v, g, reachable));
  }
  return rows;
}

/// Counts an instance of the group's version that matters: the deployed one, else the pending one.
void count(const farm& f, const std::set<std::string>& reachable, const instance& each,
           group_row& row) {
  auto version_id = row.deployed_version ? row.deployed_version : row.pending_version;
  if (each.version_id != version_id || each.goal == instance_goal::stop)
    return;
  const auto* app = application_of(f.versions.at(version_id), each.application);
  auto state = shown_state(each, reachable);
  bool job_is_done = app && !app->always_on && state == instance_state::stopped;
  row.wanted += job_is_done ? 0 : 1;
  row.running += state == instance_state::running || state == instance_state::ready ? 1 : 0;
  row.ready += state == instance_state::ready ? 1 : 0;
}

std::vector<group_row> group_rows(const farm& f, const std::set<std::string>& reachable,
                                  const query& q) {
  std::map<std::uint64_t, group_row> rows;
  for (const auto& [id, g] : f.groups) {
    auto under_way = f.rollouts.find(id);
    bool shown = is_asked_for(q, g)
                 && (g.deployed_version || under_way != f.rollouts.end() || !q.group.empty());
    if (!shown)
      continue;
    auto& row = rows[id];
    row = {g.namespace_, g.name, g.deployed_version, g.pending_version};
    if (under_way != f.rollouts.end()) {
      const auto& r = under_way->second;
      row.rollout = rollout_row{r.version_id, r.phase, r.started_at, r.reason};
    }
  }
  for (const auto& [id, each] : f.instances)
    if (auto row = rows.find(f.versions.at(each.version_id).group_id); row != rows.end())
      count(f, reachable, each, row->second);
  std::vector<group_row> out;
  for (auto& [id, row] : rows)
    out.push_back(std::move(row));
  return out;
}

std::vector<version_row> version_rows(const farm& f, const query& q) {
  std::vector<version_row> rows;
  for (auto each = f.versions.rbegin(); each != f.versions.rend(); ++each) {
    const auto& v = each->second;
    if (is_asked_for(q, f.groups.at(v.group_id)))
      rows.push_back({v.id, v.build, v.repository, v.branch, v.commit, v.created_at, v.state});
  }
  return rows;
}

std::vector<machine_row> machine_rows(const farm& f, const std::set<std::string>& reachable,
                                      timestamp now) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [id, each] : f.instances)
    ++counts[each.machine];
  std::vector<machine_row> rows;
  for (const auto& [name, each] : f.machines) {
    bool here = reachable.contains(name);
    rows.push_back({name, each.groups, here ? machine_state::ready : machine_state::unreachable,
                    counts[name], each.agent_version, here ? now : each.last_seen, each.memory_mb});
  }
  return rows;
}

port_row row_of(const redirect& each, const machine& on, bool reachable) {
  port_row row{on.name};
  row.public_port = each.public_port;
  row.label = each.label;
  row.namespace_ = each.namespace_;
  row.group = each.group;
  row.version = each.version;
  row.application = each.application;
  row.reason = reachable ? each.reason : "as last heard: the machine is out of reach";
  if (!each.instance.empty()) {
    row.instance = each.instance;
    row.port = each.port;
  }
  return row;
}

std::vector<port_row> port_rows(const farm& f, const std::set<std::string>& reachable) {
  std::vector<port_row> rows;
  for (const auto& [name, machine] : f.machines)
    for (const auto& each : machine.ports.list)
      rows.push_back(row_of(each, machine, reachable.contains(name)));
  return rows;
}

std::vector<port_problem_row> port_problem_rows(const farm& f) {
  std::vector<port_problem_row> rows;
  for (const auto& [name, machine] : f.machines)
    if (!machine.ports.problem.empty())
      rows.push_back({name, machine.ports.problem});
  return rows;
}

/// Keeps the rows from `offset` that fit into one page; tells whether there are more.
template <class Row>
bool cut_page(std::vector<Row>& rows, std::uint64_t offset) {
  rows.erase(rows.begin(),
             rows.begin()
               + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, rows.size())));
  std::size_t bytes = 0;
  auto full = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    bytes += to_bytes(row).size();
    return bytes > page_bytes;
  });
  bool more = full != rows.end();
  rows.erase(full, rows.end());
  return more;
}

} // namespace

result<table> answer(const farm& f, const std::set<std::string>& reachable, const query& q,
                     timestamp now) {
  if (!q.group.empty())
    if (auto known = find_group(f, q.namespace_, q.group); !known)
      return known.error();
  table out;
  out.seq = f.last_event;
  switch (q.subject) {
    case query_subject::status:
      out.groups = group_rows(f, reachable, q);
      out.more = cut_page(out.groups, q.offset);
      break;
    case query_subject::instances:
      out.instances = instance_rows(f, reachable, q);
      out.more = cut_page(out.instances, q.offset);
      break;
    case query_subject::versions:
      out.versions = version_rows(f, q);
      out.more = cut_page(out.versions, q.offset);
      break;
    case query_subject::machines:
      out.machines = machine_rows(f, reachable, now);
      out.more = cut_page(out.machines, q.offset);
      break;
    case query_subject::ports:
      out.ports = port_rows(f, reachable);
      out.problems = port_problem_rows(f);
      out.more = cut_page(out.ports, q.offset);
      break;
  }
  return out;
}

} // namespace deployminator::actors
