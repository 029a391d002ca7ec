#include "simulation/hosts.hpp"

#include "actors/common/gateway.hpp"
#include "agent/journal.hpp"
#include "agent/weak_handle.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::simulation {

host::host(std::string name, surroundings around) : name_(std::move(name)), around_(around) {}

process& host::begin(std::shared_ptr<actors::gateway_actor> gateway) {
  ++lives_;
  process_ = std::make_unique<process>(name_, around_.clock, around_.record,
                                       around_.seed + 1'000'003 * lives_);
  bus_ = std::make_unique<network::process_bus>(
    around_.net, name_,
    [gateway = std::move(gateway), p = process_.get()](deployminator::bus::inbound in) {
      caf::anon_send(*gateway, std::move(in));
      p->wake();
    });
  return *process_;
}

void host::later(moment wait, std::function<void()> what) {
  around_.clock.after(wait, [this, life = lives_, what = std::move(what)] {
    if (process_ && lives_ == life)
      what();
  });
}

void host::kill_after(std::uint64_t messages, std::function<void()> then) {
  if (process_)
    process_->kill_after(messages, [this, life = lives_, then = std::move(then)] {
      if (lives_ != life)
        return;
      kill();
      then();
    });
}

void host::freeze(moment length) {
  if (process_)
    process_->freeze(length);
}

// -- the server -----------------------------------------------------------------------------------

constexpr std::size_t few_peers = 4;
constexpr std::size_t many_peers = 2000;

server_host::server_host(std::string name, surroundings around, database& db)
  : host(std::move(name), around), db_(db), dice_(around.seed, name_) {}

std::string server_host::endpoint(int port) const {
  return fmt::format("tcp://{}:{}", name_, port);
}

std::string server_host::address() const {
  return endpoint(4001);
}

void server_host::start() {
  if (process_)
    return;
  connection_ = db_.connect(name_);
  auto epoch = connection_->begin_epoch();
  if (!epoch)
    return stand_by();
  auto gateway = std::make_shared<actors::gateway_actor>();
  auto& p = begin(gateway);
  bus_->on_send = [this](const std::string& to, const std::string& bytes) { on_send(to, bytes); };
  actors::server_config config{
    connection_.get(), bus_.get(), endpoint(4001), endpoint(4002), endpoint(4003), false, "", false,
    [this] { return utc_at(around_.clock.now(), clock_error); }, [this] { return dice_.next(); },
    // Some farms are at the calm pace, and some go to it and back.
    around_.seed % 4 == 0 ? few_peers : many_peers,
    // So few that some are forgotten.
    2};
  auto sockets = actors::open_sockets(config);
  auto spawned = sockets ? actors::spawn_server(p.system(), config, *sockets, *epoch)
                         : messages::result<actors::server>{sockets.error()};
  if (!spawned) {
    around_.record.tell(name_, "cannot start: " + spawned.error().message);
    return later(1s, [this] {
      kill();
      start();
    });
  }
  *gateway = spawned->gateway;
  epoch_ = spawned->epoch;
  around_.record.tell(name_, fmt::format("starts, epoch {}", epoch_));
  for (auto& each : spawned->all)
    each->attach_functor([this](const caf::error& reason) {
      if (reason == caf::exit_reason::kill)
        return;
      around_.record.tell(name_, "ends: " + caf::to_string(reason));
      later(moment{0}, [this] {
        kill();
        on_end();
      });
    });
  p.slow_down(caf::actor_cast<caf::actor>(spawned->registrar), 100us, 6ms);
  // Plans become stale where the farm moves on meanwhile.
  p.slow_down(caf::actor_cast<caf::actor>(spawned->planner), 100us, 300ms);
  p.own(spawned->all);
  p.wake();
}

void server_host::stand_by() {
  around_.clock.after(1s, [this, wait = ++waits_] {
    if (wait == waits_)
      start();
  });
}

void server_host::kill() {
  ++waits_;
  if (!process_)
    return;
  around_.record.tell(name_, "is killed");
  bus_->die();
  process_.reset();
  bus_.reset();
  connection_.reset();
}

// -- the agent ------------------------------------------------------------------------------------

agent_host::agent_host(std::string name, std::vector<std::string> groups, surroundings around,
                       const artifact_server& web, programs& all, std::vector<std::string> servers)
  : host(name, around), box(name, around.clock, around.record, around.seed, web, all),
    groups_(std::move(groups)), servers_(std::move(servers)) {}

void agent_host::start() {
  if (process_)
    return;
  around_.record.tell(name_, "agent starts");
  auto gateway = std::make_shared<actors::gateway_actor>();
  auto& p = begin(gateway);
  auto& system = p.system();
  box.agent_begins();
  world_ = box.world();
  *gateway = system.spawn(actors::gateway, bus_.get());
  auto journal = system.spawn(agent::journal, &world_);
  auto it = system.spawn(agent::agent, agent::agent_config{name_, groups_, 1'000, servers_},
                         &world_, *gateway, journal);
  box.attach([to = agent::weak_handle{it}](const agent::process_event& event) { to.send(event); });
  box.on_answer = [&p] { p.wake(); };
  p.on_idle = [this] { box.send_answers(); };
  caf::actor_cast<caf::actor>(it)->attach_functor([this](const caf::error& reason) {
    if (reason == caf::exit_reason::kill)
      return;
    around_.record.tell(name_, "agent ends: " + caf::to_string(reason));
    later(service_restart, [this] {
      kill();
      start();
    });
  });
  p.slow_down(caf::actor_cast<caf::actor>(journal), 50us, 4ms);
  p.own({caf::actor_cast<caf::actor>(it), caf::actor_cast<caf::actor>(journal),
         caf::actor_cast<caf::actor>(*gateway)});
  p.wake();
}

void agent_host::kill() {
  if (!process_)
    return;
  around_.record.tell(name_, "agent is killed");
  bus_->die();
  box.agent_ends();
  box.on_answer = [] {};
  // What those actors still ask of the machine that die after the AGENT is not done.
  agent::simulated_machine nowhere{[] { return messages::timestamp{}; }};
  world_ = nowhere.world();
  process_.reset();
  bus_.reset();
}

void agent_host::toggle_group(const std::string& group) {
  if (std::erase(groups_, group) == 0)
    groups_.push_back(group);
  if (!process_)
    return;
  kill();
  start();
}

} // namespace deployminator::simulation
