#include "actors/decisions/tables.hpp"

#include "actors/decisions/access.hpp"
#include "actors/decisions/edit.hpp"
#include "actors/decisions/evening.hpp"
#include "actors/decisions/groups.hpp"
#include "actors/decisions/machines.hpp"
#include "actors/decisions/turns.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <string_view>

namespace deployminator::actors {

using namespace messages;

namespace {

/// A query and who asks.
struct asked_rows : query {
  const caller& who;
  timestamp now;
};

/// Restarts within this time mean that a program ends again and again.
constexpr duration recent{600'000};

/// A machine's clock that is ahead of the server's makes them recent for longer.
bool is_restarting(const observation& seen, timestamp now) {
  return seen.restarted_at.size() >= timed_restarts
         && now.microseconds - seen.restarted_at.front().microseconds
              <= std::chrono::microseconds{recent}.count();
}

bool is_asked_for(const asked_rows& q, const group& g) {
  return (q.namespace_.empty() || q.namespace_ == g.namespace_)
         && (q.group.empty() || q.group == g.name) && may_see(q.who, g.namespace_);
}

instance_state shown_state(const instance& each, const presence& machines) {
  return machines.is_reachable(each.machine) ? each.seen.state : instance_state::lost;
}

std::optional<timestamp> if_set(timestamp t) {
  return t ? std::optional{t} : std::nullopt;
}

instance_row row_of(const instance& each, const version& v, const group& g,
                    const presence& machines, timestamp now) {
  const auto& seen = each.seen;
  instance_row row{each.id,
                   g.namespace_,
                   g.name,
                   each.application,
                   v.id,
                   v.build,
                   each.machine,
                   shown_state(each, machines),
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
  const auto* app = application_of(v, each.application);
  row.job = app && !app->always_on;
  if (row.job)
    row.deadline = std::chrono::duration<double>(app->rollout.deadline).count();
  row.restarting = is_restarting(seen, now);
  if (app)
    for (const auto& service : app->services)
      if (service.port_index >= 1 && service.port_index <= seen.ports.size())
        row.services.push_back({service.name, seen.ports[service.port_index - 1], service.types});
  return row;
}

/// The rows of one page: those after the first `offset`, as many as fit. Rows that are not on it
/// are not made.
template <class Row>
class page {
public:
  explicit page(std::uint64_t offset) : skip_(offset) {}

  bool is_full() const {
    return is_full_;
  }

  template <class Make>
  void add(Make make) {
    if (is_full_ || skip_ > 0) {
      skip_ -= is_full_ ? 0 : 1;
      return;
    }
    Row row = make();
    bytes_ += to_bytes(row).size();
    is_full_ = bytes_ > page_bytes;
    if (!is_full_)
      rows_.push_back(std::move(row));
  }

  /// Hands the rows over; true: there are more.
  bool write(std::vector<Row>& to) {
    to = std::move(rows_);
    return is_full_;
  }

private:
  std::uint64_t skip_ = 0;
  std::size_t bytes_ = 0;
  bool is_full_ = false;
  std::vector<Row> rows_;
};

void add_row(page<instance_row>& rows, const farm& f, const presence& machines,
             const instance& each, timestamp now) {
  rows.add([&] {
    return row_of(each, f.versions.at(each.version_id), f.groups.at(each.group_id), machines, now);
  });
}

bool instance_rows(const farm& f, const presence& machines, const asked_rows& q,
                   std::vector<instance_row>& out) {
  page<instance_row> rows{q.offset};
  if (const auto* g = q.group.empty() ? nullptr : group_named(f, q.namespace_, q.group)) {
    for (const auto* each : f.instances.of_group(g->id))
      add_row(rows, f, machines, *each, q.now);
    return rows.write(out);
  }
  for (auto each = f.instances.begin(); each != f.instances.end() && !rows.is_full(); ++each)
    if (is_asked_for(q, f.groups.at(each->second.group_id)))
      add_row(rows, f, machines, each->second, q.now);
  return rows.write(out);
}

/// Counts an instance of the group's version that matters: the deployed one, else the pending one.
void count(const farm& f, const presence& machines, const instance& each, timestamp now,
           group_row& row) {
  auto version_id = row.deployed_version ? row.deployed_version : row.pending_version;
  if (each.version_id != version_id || each.goal == instance_goal::stop)
    return;
  auto state = shown_state(each, machines);
  const auto* app = state == instance_state::stopped
                      ? application_of(f.versions.at(version_id), each.application)
                      : nullptr;
  bool job_is_done = app && !app->always_on;
  row.wanted += job_is_done ? 0 : 1;
  row.running += state == instance_state::running || state == instance_state::ready ? 1 : 0;
  row.ready += state == instance_state::ready ? 1 : 0;
  row.restarting += is_restarting(each.seen, now) ? 1 : 0;
}

/// An order's rollout that has ended.
struct ended_order {
  std::uint64_t version = 0;
  const order_end* end = nullptr;
};

/// The newest one of each group, by namespace and name.
using ended_orders = std::map<std::pair<std::string_view, std::string_view>, ended_order>;

ended_orders ended_orders_of(const farm& f) {
  ended_orders out;
  for (const auto& [id, order] : f.receipts)
    for (const auto& v : order.versions)
      for (const auto& end : order.ends) {
        if (end.rollout != v.rollout)
          continue;
        auto& newest = out[{v.namespace_, v.group}];
        // What a person said to a rollout is done before that ends.
        auto age = [](const order_end& e) { return std::pair{e.rollout, e.time}; };
        if (!newest.end || age(end) > age(*newest.end))
          newest = {v.version, &end};
      }
  return out;
}

/// How the last rollout of a group ended that an order asked for; nothing where that was well.
std::optional<ended_row> failure_of(const group& g, const ended_orders& all) {
  auto found = all.find({g.namespace_, g.name});
  if (found == all.end() || found->second.end->outcome == rollout_outcome::succeeded)
    return std::nullopt;
  const auto& [version, end] = found->second;
  return ended_row{version, end->outcome, end->time, end->reason};
}

/// The verb that a rollout waits for.
std::optional<std::string> waits_for(const rollout& r) {
  if (r.paused)
    return "resume";
  bool is_asking = r.phase == rollout_phase::starting && r.canary == canary_state::waiting;
  return is_asking ? std::optional<std::string>{"promote"} : std::nullopt;
}

std::vector<group_row> group_rows(const farm& f, const presence& machines, const asked_rows& q) {
  std::map<std::uint64_t, group_row> rows;
  auto ended = ended_orders_of(f);
  auto waiting = groups_that_wait(f);
  for (const auto& [id, g] : f.groups) {
    auto under_way = f.rollouts.find(id);
    bool shown = is_asked_for(q, g)
                 && (g.deployed_version || under_way != f.rollouts.end() || !q.group.empty());
    if (!shown)
      continue;
    auto& row = rows[id];
    row = {g.namespace_, g.name, g.deployed_version, g.pending_version};
    row.stopped = g.stopped;
    if (under_way != f.rollouts.end()) {
      const auto& r = under_way->second;
      bool has_to_wait = r.failure.empty() && waiting.contains(id);
      row.rollout = rollout_row{r.to, r.phase, r.started_at,
                                has_to_wait ? waiting_text() : r.failure, waits_for(r)};
    } else {
      row.failure = failure_of(g, ended);
    }
  }
  for (auto& [id, row] : rows)
    for (const auto* each : f.instances.of_group(id))
      count(f, machines, *each, q.now, row);
  std::vector<group_row> out;
  for (auto& [id, row] : rows)
    out.push_back(std::move(row));
  return out;
}

std::vector<version_row> version_rows(const farm& f, const asked_rows& q) {
  std::vector<version_row> rows;
  for (auto each = f.versions.rbegin(); each != f.versions.rend(); ++each) {
    const auto& v = each->second;
    if (is_asked_for(q, f.groups.at(v.group_id)))
      rows.push_back(
        {v.id, v.build, v.repository, v.branch, v.commit, v.created_at, v.state, v.created_by});
  }
  return rows;
}

bool machine_rows(const farm& f, const presence& machines, const query& q,
                  std::vector<machine_row>& out) {
  page<machine_row> rows{q.offset};
  for (auto each = f.machines.begin(); each != f.machines.end() && !rows.is_full(); ++each)
    rows.add([&] {
      const auto& [name, m] = *each;
      bool here = machines.is_reachable(name);
      return machine_row{name,
                         m.groups,
                         here ? state_within_reach(f, m) : machine_state::unreachable,
                         f.instances.on_machine(name).size(),
                         m.agent_version,
                         m.last_seen,
                         m.memory_mb,
                         m.troubles};
    });
  return rows.write(out);
}

port_row row_of(const port_target& each, const machine& on, bool reachable) {
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

std::vector<port_row> port_rows(const farm& f, const presence& machines, const caller& who) {
  std::vector<port_row> rows;
  for (const auto& [name, machine] : f.machines)
    for (const auto& each : machine.ports.list)
      if (may_see(who, each.namespace_))
        rows.push_back(row_of(each, machine, machines.is_reachable(name)));
  return rows;
}

std::vector<port_problem_row> port_problem_rows(const farm& f) {
  std::vector<port_problem_row> rows;
  for (const auto& [name, machine] : f.machines)
    if (!machine.ports.problem.empty())
      rows.push_back({name, machine.ports.problem});
  return rows;
}

std::vector<key_row> key_rows(const farm& f) {
  std::vector<key_row> rows;
  for (const auto& [id, each] : f.keys)
    rows.push_back({each.grant.name, each.grant.role, each.grant.namespaces, each.grant.groups,
                    each.created_at, each.created_by, if_set(each.revoked_at), std::nullopt});
  return rows;
}

history_row row_of(const farm& f, const receipt& order, const group_version& v) {
  history_row row{order.time, order.who, order.what, v.version};
  if (auto known = f.versions.find(v.version); known != f.versions.end())
    row.build = known->second.build;
  for (const auto& each : order.ends)
    if (each.rollout == v.rollout) {
      row.outcome = each.outcome;
      row.reason = each.reason;
      row.seconds = static_cast<double>(each.time.microseconds - order.time.microseconds) / 1e6;
    }
  return row;
}

/// The newest first.
std::vector<history_row> history_rows(const farm& f, const asked_rows& q) {
  std::vector<const receipt*> newest;
  for (const auto& [id, each] : f.receipts)
    newest.push_back(&each);
  std::ranges::sort(newest, std::ranges::greater{}, [](const receipt* r) {
    return std::pair{r->seq, r->time};
  });
  std::vector<history_row> rows;
  for (const auto* each : newest)
    for (const auto& v : each->versions)
      if (is_asked_for(q, group{0, v.namespace_, v.group}))
        rows.push_back(row_of(f, *each, v));
  return rows;
}

std::vector<move_row> move_rows(const farm& f, const placing_ground& on, const caller& who) {
  std::vector<move_row> rows;
  for (const auto& each : moves_to_even_out(f, on)) {
    const auto& g = f.groups.at(each.group_id);
    if (may_see(who, g.namespace_))
      rows.push_back({"move", g.namespace_, g.name, each.application, g.deployed_version, each.from,
                      each.to, each.reason});
  }
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

result<table> answer(const farm& f, const presence& machines, const query& question,
                     const caller& who, timestamp now, std::uint64_t overcommit_percent) {
  asked_rows q{question, who, now};
  if (!q.group.empty())
    if (auto known = find_group(f, q.namespace_, q.group); !known)
      return known.error();
  table out;
  out.seq = f.last_event;
  switch (q.subject) {
    case query_subject::status:
      out.groups = group_rows(f, machines, q);
      out.more = cut_page(out.groups, q.offset);
      break;
    case query_subject::instances:
      out.more = instance_rows(f, machines, q, out.instances);
      break;
    case query_subject::versions:
      out.versions = version_rows(f, q);
      out.more = cut_page(out.versions, q.offset);
      break;
    case query_subject::machines:
      out.more = machine_rows(f, machines, q, out.machines);
      break;
    case query_subject::ports:
      out.ports = port_rows(f, machines, who);
      out.problems = port_problem_rows(f);
      out.more = cut_page(out.ports, q.offset);
      break;
    case query_subject::history:
      out.history = history_rows(f, q);
      out.more = cut_page(out.history, q.offset);
      break;
    case query_subject::moves:
      out.moves = move_rows(f, ground_of(f, machines, overcommit_percent), who);
      out.more = cut_page(out.moves, q.offset);
      break;
    case query_subject::servers:
      // Not of the farm: see `questions`.
      break;
    case query_subject::keys:
      out.keys = key_rows(f);
      out.more = cut_page(out.keys, q.offset);
      break;
  }
  return out;
}

} // namespace deployminator::actors
