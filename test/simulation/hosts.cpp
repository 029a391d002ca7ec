#include "simulation/hosts.hpp"

#include "actors/common/gateway.hpp"
#include "agent/journal.hpp"
#include "agent/weak_handle.hpp"

#include <fmt/format.h>

namespace deployminator::simulation {

namespace {

constexpr std::int64_t start_of_utc = 1'700'000'000'000'000;

} // namespace

// -- the server -----------------------------------------------------------------------------------

server_host::server_host(std::string name, surroundings around, database& db)
  : name_(std::move(name)), around_(around), db_(db), dice_(around.seed, name_) {}

std::string server_host::endpoint(int port) const {
  return fmt::format("tcp://{}:{}", name_, port);
}

std::string server_host::address() const {
  return endpoint(4001);
}

void server_host::start() {
  wanted_ = true;
  start_once();
}

void server_host::start_once() {
  if (process_ || !wanted_)
    return;
  auto life = ++lives_;
  auto again = [this, life] {
    if (wanted_ && lives_ == life) {
      kill();
      start();
    }
  };
  connection_ = db_.connect();
  process_ = std::make_unique<process>(name_, around_.clock, around_.record,
                                       around_.seed + 1'000'003 * life);
  auto gateway = std::make_shared<actors::gateway_actor>();
  bus_ = std::make_unique<network::process_bus>(
    around_.net, name_, [gateway, p = process_.get()](deployminator::bus::inbound in) {
      caf::anon_send(*gateway, std::move(in));
      p->wake();
    });
  bus_->on_send = [this](const std::string& to, const std::string& bytes) { on_send(to, bytes); };
  auto utc = [this] {
    return messages::timestamp{start_of_utc + (around_.clock.now() + clock_error).count() / 1'000};
  };
  auto spawned = actors::spawn_server(
    process_->system(), {connection_.get(), bus_.get(), endpoint(4001), endpoint(4002),
                         endpoint(4003), false, utc, [this] { return dice_.next(); }});
  if (!spawned) {
    around_.record.tell(name_, "cannot start: " + spawned.error().message);
    around_.clock.after(1s, again);
    bus_->die();
    process_.reset();
    return;
  }
  *gateway = spawned->gateway;
  epoch_ = spawned->epoch;
  around_.record.tell(name_, fmt::format("starts, epoch {}", epoch_));
  for (auto& each : spawned->all)
    each->attach_functor([this, life](const caf::error& reason) {
      bool by_itself = wanted_ && lives_ == life && process_ && reason != caf::exit_reason::kill;
      if (!by_itself)
        return;
      around_.record.tell(name_, "ends: " + caf::to_string(reason));
      around_.clock.after(moment{0}, [this, life] {
        if (lives_ == life && process_) {
          kill();
          on_end();
        }
      });
    });
  process_->slow_down(caf::actor_cast<caf::actor>(spawned->registrar), 100us, 6ms);
  process_->own(spawned->all);
  process_->wake();
}

void server_host::kill() {
  wanted_ = false;
  if (!process_)
    return;
  around_.record.tell(name_, "is killed");
  bus_->die();
  process_.reset();
  bus_.reset();
  connection_.reset();
}

void server_host::kill_after(std::uint64_t messages, std::function<void()> then) {
  if (process_)
    process_->kill_after(messages, [this, life = lives_, then = std::move(then)] {
      if (lives_ != life)
        return;
      kill();
      then();
    });
}

void server_host::freeze(moment length) {
  if (process_)
    process_->freeze(length);
}

// -- the agent ------------------------------------------------------------------------------------

agent_host::agent_host(std::string name, std::vector<std::string> groups, surroundings around,
                       const artifact_server& web, programs& all, std::vector<std::string> servers)
  : box(name, around.clock, around.record, around.seed, web, all), name_(std::move(name)),
    groups_(std::move(groups)), around_(around), servers_(std::move(servers)) {}

void agent_host::start() {
  if (process_)
    return;
  auto life = ++lives_;
  around_.record.tell(name_, "agent starts");
  process_ = std::make_unique<process>(name_, around_.clock, around_.record,
                                       around_.seed + 1'000'003 * life);
  auto* p = process_.get();
  auto& system = p->system();
  auto gateway = std::make_shared<actors::gateway_actor>();
  bus_ = std::make_unique<network::process_bus>(around_.net, name_,
                                                [gateway, p](deployminator::bus::inbound in) {
                                                  caf::anon_send(*gateway, std::move(in));
                                                  p->wake();
                                                });
  bus_->on_send = [this](const std::string& to, const std::string& bytes) { on_send(to, bytes); };
  box.agent_begins();
  world_ = box.world();
  *gateway = system.spawn(actors::gateway, bus_.get());
  auto journal = system.spawn(agent::journal, world_.journal);
  auto it = system.spawn(agent::agent, agent::agent_config{name_, groups_, 1'000, servers_},
                         &world_, *gateway, journal);
  box.attach([to = agent::weak_handle{it}](const agent::process_event& event) { to.send(event); });
  box.on_answer = [p] { p->wake(); };
  p->on_idle = [this] { box.send_answers(); };
  caf::actor_cast<caf::actor>(it)->attach_functor([this, life](const caf::error& reason) {
    if (!process_ || lives_ != life || reason == caf::exit_reason::kill)
      return;
    around_.record.tell(name_, "agent ends: " + caf::to_string(reason));
    around_.clock.after(service_restart, [this, life] {
      if (lives_ != life || !process_)
        return;
      kill();
      start();
    });
  });
  p->slow_down(caf::actor_cast<caf::actor>(journal), 50us, 4ms);
  p->own({caf::actor_cast<caf::actor>(it), caf::actor_cast<caf::actor>(journal),
          caf::actor_cast<caf::actor>(*gateway)});
  p->wake();
}

void agent_host::kill() {
  if (!process_)
    return;
  around_.record.tell(name_, "agent is killed");
  bus_->die();
  box.agent_ends();
  box.on_answer = [] {};
  auto dying = std::move(process_);
  // What those actors still ask of the machine that die after the AGENT is not done.
  agent::simulated_machine nowhere{[] { return messages::timestamp{}; }};
  world_ = nowhere.world();
  dying.reset();
  bus_.reset();
}

void agent_host::kill_after(std::uint64_t messages, std::function<void()> then) {
  if (process_)
    process_->kill_after(messages, [this, life = lives_, then = std::move(then)] {
      if (lives_ != life)
        return;
      kill();
      then();
    });
}

void agent_host::freeze(moment length) {
  if (process_)
    process_->freeze(length);
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
