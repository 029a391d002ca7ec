#include "simulation/farm.hpp"

#include "actors/common/logging.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulation/checks.hpp"
#include "simulation/client.hpp"
#include "simulation/database.hpp"
#include "simulation/hosts.hpp"
#include "simulation/network.hpp"

namespace deployminator::simulation {

namespace {

/// How long anything is on its way from the store to a watcher while nothing is wrong.
constexpr moment arrives_within = 1s;

/// Sends what the actors log into the trace.
class log_in_trace {
public:
  explicit log_in_trace(trace& record) {
    using namespace actors::log;
    deliver_to([&record](level, std::string_view what, std::initializer_list<field> fields) {
      std::string text{what};
      for (const auto& each : fields)
        text += fmt::format(" {}={}", each.key, each.value);
      record.tell(record.speaker(), text);
    });
  }
  ~log_in_trace() {
    actors::log::deliver_to({});
  }
  log_in_trace(const log_in_trace&) = delete;
  log_in_trace& operator=(const log_in_trace&) = delete;
};

class farm {
public:
  farm(const plan& p, trace::reader lines);
  outcome run();

private:
  void run_until(moment when);
  void add_machines();
  void add_clients();
  void plan_orders();
  void plan_faults();
  void tell(const messages::event& e);
  void begin(const fault& f);
  void end(const fault& f);
  void take_over();
  void split(const fault& f);
  void set_weather(const fault& f, const weather& w);
  [[nodiscard]] bool has_standby() const;
  server_host& leading();
  agent_host* agent_of(const std::string& name);

  const plan& plan_;
  timeline clock_;
  trace record_;
  log_in_trace log_;
  network net_;
  database db_;
  artifact_server web_;
  programs programs_;
  checks checks_;
  std::vector<std::unique_ptr<server_host>> servers_;
  /// Where no server stands by: the one that is in people's care.
  std::size_t leading_ = 0;
  std::map<std::string, std::unique_ptr<agent_host>> agents_;
  std::set<std::string> switched_off_;
  std::vector<std::unique_ptr<client>> clients_;
};

farm::farm(const plan& p, trace::reader lines)
  : plan_(p), record_(clock_, std::move(lines)), log_(record_), net_(clock_, record_, p.seed),
    db_(clock_, record_, p.seed), checks_(clock_, record_, db_, web_, programs_) {
  db_.on_commit = [this](const messages::farm& before, const messages::change& c) {
    for (const auto& each : c.events)
      tell(each);
    checks_.before_commit(before, c);
  };
  db_.after_commit = [this](const messages::change& c) { checks_.after_commit(c); };
  surroundings around{clock_, record_, net_, plan_.seed};
  for (const auto* name : {"alpha", "beta"}) {
    servers_.push_back(std::make_unique<server_host>(name, around, db_));
    servers_.back()->on_end = [this, it = servers_.back().get()] {
      // The service manager's doing. Where no server stands by, people leave only one in its care.
      clock_.after(service_restart, [this, it] {
        if (has_standby() || it == &leading())
          it->start();
      });
    };
    servers_.back()->on_send = [this](const std::string& to, const std::string& bytes) {
      for (const auto& each : clients_) {
        if (each->name() != to)
          continue;
        auto message = messages::decode(bytes);
        if (message && std::holds_alternative<messages::accepted>(message->body))
          checks_.before_acknowledgement(each->order_of(message->id));
      }
    };
  }
  add_machines();
  add_clients();
  plan_orders();
  plan_faults();
}

/// What a person wants to read of the events; instances speak for themselves.
void farm::tell(const messages::event& e) {
  if (!record_.has_reader())
    return;
  auto group = fmt::format("{} version {}", e.group, e.version);
  if (const auto* step = std::get_if<messages::rollout_step>(&e.what))
    record_.tell("store", fmt::format("{} {}: {}", group, step->phase, step->reason));
  else if (const auto* last = std::get_if<messages::rollout_finished>(&e.what))
    record_.tell("store",
                 fmt::format("{} {}: {}", group, messages::to_text(last->outcome), last->reason));
  else if (const auto* m = std::get_if<messages::machine_change>(&e.what))
    record_.tell("store",
                 fmt::format("{} is {}: {}", m->machine, messages::to_text(m->to), m->reason));
  else if (const auto* i = std::get_if<messages::instance_change>(&e.what))
    record_.tell("store", fmt::format("{} is {}: {}", i->id, messages::to_text(i->to), i->reason));
}

/// In every other farm a server stands by all the time.
bool farm::has_standby() const {
  return plan_.seed % 2 == 1;
}

server_host& farm::leading() {
  if (has_standby())
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (servers_[i]->runs() && servers_[i]->epoch() == db_.epoch())
        leading_ = i;
  return *servers_[leading_];
}

agent_host* farm::agent_of(const std::string& name) {
  auto found = agents_.find(name);
  return found == agents_.end() || switched_off_.contains(name) ? nullptr : found->second.get();
}

void farm::add_machines() {
  surroundings around{clock_, record_, net_, plan_.seed};
  for (const auto& each : plan_.machines) {
    // Each begins with another server.
    std::vector<std::string> addresses{servers_[0]->address(), servers_[1]->address()};
    if (agents_.size() % 2 == 1)
      std::swap(addresses[0], addresses[1]);
    auto host = std::make_unique<agent_host>(each.name, each.groups, around, web_, programs_,
                                             std::move(addresses));
    auto* h = host.get();
    if (each.has_public_port)
      h->box.applications
        = machine::entries{{.label = "web", .group = "g0", .ports = {{1, checks::public_port}}}};
    h->box.on_launch = [this, h](const std::string& id) { checks_.before_launch(h->name(), id); };
    h->box.on_end = [this, h](const std::string& id) {
      checks_.before_end(h->name(), id);
      checks_.before_target_ends(h->box, id);
    };
    h->box.on_save = [this, h](const agent::agent_record& before, const agent::agent_record& now) {
      checks_.after_save(h->name(), before, now);
    };
    agents_[each.name] = std::move(host);
    clock_.at(each.joins, [h] { h->start(); });
    if (each.leaves)
      clock_.at(*each.leaves, [this, h] {
        record_.tell(h->name(), "is switched off for good");
        switched_off_.insert(h->name());
        h->kill();
        h->box.reboot();
      });
  }
}

void farm::add_clients() {
  for (std::size_t i = 0; i < client_count; ++i) {
    std::vector<std::string> addresses{servers_[0]->address(), servers_[1]->address()};
    clients_.push_back(std::make_unique<client>(fmt::format("client-{}", i), clock_, net_, record_,
                                                plan_.seed, std::move(addresses)));
    clients_.back()->on_plan = [this](const std::string& id, const messages::build_plan& told) {
      checks_.after_plan(id, told);
    };
    clients_.back()->leader = [this] { return db_.epoch(); };
  }
  clients_[0]->offer("outside", plan_.calm);
  servers_[0]->start();
  if (has_standby())
    servers_[1]->start();
}

void farm::plan_orders() {
  for (const auto& each : plan_.orders)
    clock_.at(each.at, [this, &each] {
      auto& who = *clients_[each.client];
      record_.tell(who.name(), fmt::format("orders {}: {}", each.id, each.text));
      if (each.plans_ahead)
        who.plan(std::get<messages::submit_build>(each.body), *each.plans_ahead);
      else
        who.order(each.id, each.body);
    });
}

void farm::plan_faults() {
  for (const auto& each : plan_.faults) {
    clock_.at(each.at, [this, &each] {
      record_.tell("FAULT", to_text(each));
      begin(each);
    });
    clock_.at(each.at + each.lasts, [this, &each] { end(each); });
  }
}

void farm::set_weather(const fault& f, const weather& w) {
  // `cut from` and the like concern what the host says, `cut to` what it hears.
  if (f.kind != fault_kind::cut_to)
    net_.set_weather(f.who, "*", w);
  if (f.kind != fault_kind::cut_from)
    net_.set_weather("*", f.who, w);
}

void farm::begin(const fault& f) {
  auto* agent = agent_of(f.who);
  switch (f.kind) {
    case fault_kind::server_dies: {
      auto& server = leading();
      return server.kill_after(f.detail, [this, &server, back = f.at + f.lasts] {
        clock_.at(back, [this, &server] {
          if (has_standby() || &server == &leading())
            server.start();
        });
      });
    }
    case fault_kind::upgraded: {
      auto dies = f;
      dies.kind = agent ? fault_kind::agent_dies : fault_kind::server_dies;
      if (agent)
        net_.toggle_release(agent->name());
      else if (f.who == "server")
        for (const auto& each : servers_)
          net_.toggle_release(each->name());
      return begin(dies);
    }
    case fault_kind::takeover:
      return take_over();
    case fault_kind::split:
      return split(f);
    case fault_kind::agent_dies:
      if (agent)
        agent->kill_after(f.detail / 4, [this, agent, back = f.at + f.lasts] {
          clock_.at(back, [this, agent] {
            if (agent_of(agent->name()))
              agent->start();
          });
        });
      return;
    case fault_kind::machine_reboots:
      if (agent) {
        agent->kill();
        agent->box.reboot();
      }
      return;
    case fault_kind::freeze:
      if (agent)
        agent->freeze(f.lasts);
      else
        leading().freeze(f.lasts);
      return;
    case fault_kind::clock_jumps: {
      auto error = (f.detail % 2 ? 1 : -1) * std::chrono::minutes{f.detail};
      if (agent)
        agent->box.clock_error = error;
      else
        leading().clock_error = error;
      return;
    }
    case fault_kind::regrouped:
      if (agent)
        agent->toggle_group("db");
      return;
    case fault_kind::disk_full:
      if (agent)
        agent->box.disk_is_full = true;
      return;
    case fault_kind::program_ends:
      if (agent)
        agent->box.end_some_program(f.detail, static_cast<int>(f.detail));
      return;
    case fault_kind::port_taken:
      if (agent)
        agent->box.take_some_port(f.detail);
      return;
    case fault_kind::cut_to:
    case fault_kind::cut_from:
      return set_weather(f, {.cut = true});
    case fault_kind::lossy:
      return set_weather(f, {.loss = 0.3});
    case fault_kind::repeating:
      return set_weather(f, {.repeats = 0.3});
    case fault_kind::slow_network:
      return set_weather(f, {.delay = f.detail % 3 == 0 ? moment{5s} : moment{700ms}});
    case fault_kind::database_away:
      db_.trouble.away = true;
      return;
    case fault_kind::commits_fail:
      db_.trouble.fails_before = 0.6;
      return;
    case fault_kind::commits_unknown:
      db_.trouble.fails_after = 0.6;
      return;
    case fault_kind::artifacts_slow:
      web_.what = artifact_server::trouble::slow;
      return;
    case fault_kind::artifacts_break_off:
      web_.what = artifact_server::trouble::breaks_off;
      return;
    case fault_kind::artifacts_wrong:
      web_.what = artifact_server::trouble::wrong_bytes;
      return;
  }
}

void farm::end(const fault& f) {
  auto* agent = agent_of(f.who);
  switch (f.kind) {
    case fault_kind::machine_reboots:
      if (agent)
        agent->start();
      return;
    case fault_kind::disk_full:
      if (agent)
        agent->box.disk_is_full = false;
      return;
    case fault_kind::cut_to:
    case fault_kind::cut_from:
    case fault_kind::lossy:
    case fault_kind::repeating:
    case fault_kind::slow_network:
      return set_weather(f, {});
    case fault_kind::split:
    case fault_kind::database_away:
    case fault_kind::commits_fail:
    case fault_kind::commits_unknown:
      db_.trouble = {};
      return;
    case fault_kind::artifacts_slow:
    case fault_kind::artifacts_break_off:
    case fault_kind::artifacts_wrong:
      web_.what = artifact_server::trouble::none;
      return;
    default:
      return;
  }
}

/// The server that leads is stopped for longer than its lease lasts, where another one stands by.
/// Else that one starts on the same database, and waits; the one that leads goes on until it cannot
/// renew its lease, or is stopped by the people who started the other one.
void farm::take_over() {
  constexpr moment stopped = 10s;
  if (has_standby())
    return leading().freeze(stopped);
  auto& old = leading();
  leading_ = 1 - leading_;
  leading().start();
  clock_.after(20s, [this, &old] {
    if (&old != &leading())
      old.kill();
  });
}

void farm::split(const fault& f) {
  auto& old = leading();
  if (!old.runs())
    return;
  db_.trouble.away_for = old.epoch();
  auto from_old = old.name();
  auto from_new = servers_[&old == servers_[0].get() ? 1 : 0]->name();
  if (!has_standby())
    take_over();
  auto who = clients_[f.detail % clients_.size()]->name();
  net_.set_weather(from_old, who, {.cut = true});
  clock_.after(6s, [this, who, from_old, from_new] {
    net_.set_weather(from_old, who, {});
    net_.set_weather(from_new, who, {.cut = true});
  });
  clock_.after(14s, [this, who, from_new] { net_.set_weather(from_new, who, {}); });
}

void farm::run_until(moment when) {
  while (!record_.broken() && clock_.step(when)) {
  }
}

outcome farm::run() {
  run_until(plan_.end - arrives_within);
  auto published = db_.events().size();
  run_until(plan_.end);
  if (!record_.broken()) {
    checks_.at_the_end(agents_, switched_off_);
    for (const auto& each : clients_)
      checks_.at_the_end(*each, published);
  }
  outcome out;
  out.broken = record_.broken();
  out.trace_hash = record_.hash();
  for (const auto& each : db_.events()) {
    const auto* last = std::get_if<messages::rollout_finished>(&each.what);
    out.failures += last && last->outcome == messages::rollout_outcome::failed ? 1 : 0;
  }
  return out;
}

} // namespace

outcome run(const plan& p, trace::reader lines) {
  farm f{p, std::move(lines)};
  return f.run();
}

} // namespace deployminator::simulation
