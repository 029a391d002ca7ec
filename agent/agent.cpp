#include "agent/agent.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "agent/fetcher.hpp"
#include "agent/instance.hpp"
#include "agent/static_ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::agent {

namespace {

using agent_pointer = agent_actor::stateful_pointer<agent_state>;
using namespace std::chrono_literals;
namespace log = actors::log;

/// How long the JOURNAL may take, and how long until it is asked again.
constexpr auto journal_patience = 30s;
constexpr auto journal_retry = 1s;
/// How long the instances that were found may take to be seen before the server is called.
constexpr auto sight_patience = 5s;
/// For opening a socket.
constexpr auto gateway_patience = 5s;
/// What arrives while a record is written and exceeds this is dropped; the server repeats it.
constexpr std::size_t most_waiting = 256;
/// The answer to `read_log` carries no more.
constexpr std::size_t log_piece_bytes = 256 << 10;

void work_off_waiting(agent_pointer self);
void on_written(agent_pointer self);
void on_unwritten(agent_pointer self);

std::string random_name(const ambience& ambient) {
  std::string out;
  for (int i = 0; i < 4; ++i)
    out += fmt::format("{:08x}", static_cast<std::uint32_t>(ambient.random() * 4294967296.0));
  return out;
}

// -- writing the record ---------------------------------------------------------------------------

void write(agent_pointer self) {
  auto& state = self->state;
  state.unwritten = false;
  self->request(state.journal, journal_patience, atom::save_v, state.writing)
    .then([self](bool) { on_written(self); },
          [self](const caf::error& e) {
            log::error("agent cannot write its record, tries again",
                       {{"reason", actors::to_failure(e).message}});
            on_unwritten(self);
          });
}

void write_again(agent_pointer self) {
  self->state.retry_is_due = false;
  if (self->state.unwritten)
    write(self);
}

/// Keeps what is `held` with the highest epoch, then calls `done`.
void remember(agent_pointer self, const held_assignment& held, std::function<void()> done) {
  auto& state = self->state;
  agent_record record;
  record.identity = state.identity;
  record.epoch = std::max(state.epoch, state.link.session.epoch());
  record.generation = held.generation;
  record.read_by = state.read_by;
  for (const auto& [id, spec] : held.specs)
    record.specs.push_back(*spec);
  for (const auto& [id, child] : state.instances)
    if (!held.specs.contains(id))
      record.leaving.push_back(*child.spec);
  state.writing = std::make_shared<const agent_record>(std::move(record));
  state.to_hold = held.specs;
  state.when_written = [self, epoch = state.writing->epoch, done = std::move(done)] {
    self->state.epoch = epoch;
    done();
  };
  write(self);
}

// -- instances ------------------------------------------------------------------------------------

void spawn_instance(agent_pointer self, const spec_ptr& spec, std::optional<found_instance> found,
                    std::optional<instance_record> record) {
  auto& state = self->state;
  self->send(state.ports, atom::expect_v, spec);
  instance_config config{spec,        state.config.name, std::move(found), std::move(record),
                         state.world, state.ports,       state.fetcher,    state.journal};
  auto actor = self->spawn<caf::linked>(instance, std::move(config));
  state.instances[spec->id] = {actor, spec};
}

void direct(agent_pointer self, const spec_ptr& spec) {
  auto& child = self->state.instances.at(spec->id);
  child.spec = spec;
  self->send(self->state.ports, atom::direct_v, spec, child.actor);
}

spec_ptr to_be_gone(const messages::instance_spec& spec) {
  auto out = std::make_shared<messages::instance_spec>(spec);
  out->goal = messages::instance_goal::stop;
  return out;
}

/// For an instance of which no order is known.
spec_ptr to_be_gone(const std::string& id) {
  messages::instance_spec spec;
  spec.id = id;
  return to_be_gone(spec);
}

/// Brings the instances in line with what is held.
void align(agent_pointer self) {
  auto& state = self->state;
  spec_map existing;
  for (const auto& [id, child] : state.instances)
    existing[id] = child.spec;
  auto todo = reconcile(state.held.specs, existing);
  auto strangers = std::exchange(state.strangers, {});
  for (const auto& spec : todo.spawn) {
    auto found = strangers.extract(spec->id);
    spawn_instance(self, spec, found ? std::optional{found.mapped()} : std::nullopt, {});
  }
  for (const auto& spec : todo.update)
    direct(self, spec);
  for (const auto& id : todo.stop)
    direct(self, to_be_gone(*existing.at(id)));
  for (const auto& [id, found] : strangers) {
    auto known = state.leaving.find(id);
    spawn_instance(self, known == state.leaving.end() ? to_be_gone(id) : to_be_gone(*known->second),
                   found, {});
  }
}

/// Ends what the record that cannot be written has no more: that frees the very disk. A crash
/// before it is written starts those instances again, as the last assignment that was confirmed
/// wants.
void stop_ahead(agent_pointer self) {
  auto& state = self->state;
  spec_map existing;
  for (const auto& [id, child] : state.instances)
    existing[id] = child.spec;
  for (const auto& id : reconcile(state.to_hold, existing).stop)
    direct(self, to_be_gone(*existing.at(id)));
}

// -- reports --------------------------------------------------------------------------------------

void send(agent_pointer self, messages::message body, std::uint64_t id = 0) {
  auto& link = self->state.link;
  if (link.orders == 0)
    return;
  self->send(link.gateway, atom::dispatch_v, link.orders, std::string{},
             std::make_shared<const messages::envelope>(
               messages::envelope{id, link.session.epoch(), std::move(body)}));
  link.session.sent(self->clock().now());
}

void report(agent_pointer self) {
  auto& state = self->state;
  if (!state.in_session)
    return;
  auto now = self->clock().now();
  if (state.report_wake && now >= *state.report_wake)
    state.report_wake.reset();
  if (auto due = state.ledger.take(now))
    send(self, std::move(*due));
  auto next = state.ledger.due();
  if (!next || (state.report_wake && *state.report_wake <= *next))
    return;
  state.report_wake = *next;
  self->delayed_send(self, *next - now, atom::report_v);
}

// -- what the server says -------------------------------------------------------------------------

void say_what_is_held(agent_pointer self) {
  const auto& held = self->state.held;
  if (self->state.in_session)
    send(self, messages::assigned{held.generation, digest_of(held)});
}

void attach_progress(agent_pointer self, bus::socket_id socket) {
  auto& state = self->state;
  state.link.progress = socket;
  self->send(state.fetcher, atom::attach_v, socket, state.link.session.epoch());
}

void open_progress(agent_pointer self, const std::string& endpoint) {
  auto& link = self->state.link;
  if (endpoint == link.collect || endpoint.empty())
    return attach_progress(self, link.progress);
  if (link.progress != 0)
    self->send(link.gateway, atom::shut_v, link.progress);
  link.progress = 0;
  link.collect = endpoint;
  self
    ->request(link.gateway, gateway_patience, atom::open_v, bus::socket_kind::progress_client,
              endpoint)
    .then([self](bus::socket_id socket) { attach_progress(self, socket); },
          [self, endpoint](const caf::error& e) {
            self->state.link.collect.clear();
            log::warning("agent cannot publish progress",
                         {{"endpoint", endpoint}, {"reason", actors::to_failure(e).message}});
          });
}

void handle(agent_pointer self, const messages::welcome& welcome) {
  auto& state = self->state;
  log::info("agent is connected", {{"server", welcome.software},
                                   {"epoch", state.epoch},
                                   {"report", welcome.report_wanted ? "full" : "changes"}});
  open_progress(self, welcome.collect);
  state.in_session = true;
  state.ledger.restart(welcome.report_wanted);
  report(self);
}

/// An instance that was wanted and given up again before this agent heard of it is gone as well.
void report_never_begun(agent_pointer self, const std::vector<std::string>& removed) {
  auto& state = self->state;
  for (const auto& id : removed)
    if (!state.instances.contains(id))
      state.ledger.lose({.id = id, .state = messages::instance_state::stopped, .reason = "gone"});
  report(self);
}

void hold(agent_pointer self, const assignment_verdict& verdict) {
  auto& state = self->state;
  bool is_first = state.held.generation == 0;
  state.held = verdict.next;
  log::info("agent holds assignment",
            {{"generation", state.held.generation}, {"instances", state.held.specs.size()}});
  say_what_is_held(self);
  align(self);
  if (is_first)
    caf::anon_send(state.ports, atom::begin_v);
  report_never_begun(self, verdict.removed);
}

void handle(agent_pointer self, const messages::assignment& part) {
  auto& state = self->state;
  auto verdict = state.inbox.take(part, state.held);
  switch (verdict.what) {
    case assignment_verdict::kind::incomplete:
      return;
    case assignment_verdict::kind::unusable:
      log::warning("agent cannot use assignment",
                   {{"generation", part.generation}, {"reason", verdict.reason}});
      return say_what_is_held(self);
    case assignment_verdict::kind::repeated:
      return say_what_is_held(self);
    case assignment_verdict::kind::complete:
      if (part.base == 0)
        state.read_by = DEPLOYMINATOR_VERSION;
      return remember(self, verdict.next, [self, verdict] { hold(self, verdict); });
  }
}

/// A newer assignment takes the place of one that cannot be written: it may be what frees the disk.
void look_for_newer_assignment(agent_pointer self) {
  auto& state = self->state;
  while (state.unwritten) {
    auto next = std::find_if(state.waiting.begin(), state.waiting.end(), [](const auto& envelope) {
      return std::holds_alternative<messages::assignment>(envelope->body);
    });
    if (next == state.waiting.end())
      return;
    auto envelope = *next;
    state.waiting.erase(next);
    handle(self, std::get<messages::assignment>(envelope->body));
  }
}

void on_unwritten(agent_pointer self) {
  auto& state = self->state;
  state.unwritten = true;
  if (!std::exchange(state.retry_is_due, true))
    self->delayed_send(self, journal_retry, atom::save_v);
  stop_ahead(self);
  look_for_newer_assignment(self);
}

void lose(agent_pointer self, const messages::observation& last) {
  auto& state = self->state;
  // Told before the record is written, a crash would bring back what the server believes gone.
  if (state.writing && state.held.specs.contains(last.id))
    return state.gone_ahead.push_back(last);
  state.ledger.lose(last);
  state.instances.erase(last.id);
  align(self);
  report(self);
}

void on_written(agent_pointer self) {
  auto& state = self->state;
  state.writing = nullptr;
  std::exchange(state.when_written, nullptr)();
  for (const auto& last : std::exchange(state.gone_ahead, {}))
    lose(self, last);
  work_off_waiting(self);
}

void handle(agent_pointer self, const messages::reported& confirmed) {
  self->state.ledger.confirm(confirmed.revision);
  report(self);
}

messages::result<messages::log_chunk> read(log_reader& logs, const messages::read_log& wanted) {
  auto offset = wanted.offset ? messages::result<std::uint64_t>{*wanted.offset}
                              : logs.offset_of_last_lines(wanted.instance, wanted.last_lines);
  if (!offset)
    return offset.error();
  auto piece = logs.read(wanted.instance, *offset, log_piece_bytes);
  if (!piece)
    return piece.error();
  return messages::log_chunk{piece->offset, {piece->data.begin(), piece->data.end()}, piece->more};
}

void answer(agent_pointer self, std::uint64_t id, const messages::read_log& wanted) {
  auto chunk = read(*self->state.world->logs, wanted);
  if (chunk)
    send(self, std::move(*chunk), id);
  else
    send(self, messages::refusal{chunk.error()}, id);
}

/// The messages of the session that an agent understands; the others are none of its business.
void work_on(agent_pointer self, const messages::envelope& e) {
  if (const auto* welcome = std::get_if<messages::welcome>(&e.body))
    return handle(self, *welcome);
  if (const auto* assignment = std::get_if<messages::assignment>(&e.body))
    return handle(self, *assignment);
  if (const auto* reported = std::get_if<messages::reported>(&e.body))
    return handle(self, *reported);
  if (const auto* wanted = std::get_if<messages::read_log>(&e.body))
    return answer(self, e.id, *wanted);
  if (const auto* refused = std::get_if<messages::refusal>(&e.body))
    log::warning("agent was refused", {{"reason", refused->error.message}});
}

void work_off_waiting(agent_pointer self) {
  auto& state = self->state;
  while (!state.writing && !state.waiting.empty()) {
    if (state.link.session.epoch() > state.epoch)
      return remember(self, state.held, [] {});
    auto envelope = std::move(state.waiting.front());
    state.waiting.pop_front();
    work_on(self, *envelope);
  }
}

// -- the session ----------------------------------------------------------------------------------

void say_hello(agent_pointer self) {
  auto& state = self->state;
  messages::agent_introduction who{
    state.config.name,      state.identity,        state.incarnation,     state.config.groups,
    state.config.memory_mb, state.held.generation, digest_of(state.held), state.ledger.digest()};
  who.wants_assignment = state.read_by != DEPLOYMINATOR_VERSION;
  messages::hello hello;
  hello.role = messages::peer_role::agent;
  hello.software = "autodeployer " DEPLOYMINATOR_VERSION;
  hello.epoch = state.link.session.epoch();
  hello.agent = std::move(who);
  send(self, std::move(hello));
}

/// Closes the orders socket and opens one to the next server; says hello when it is open.
void reopen(agent_pointer self) {
  auto& link = self->state.link;
  if (link.orders != 0)
    self->send(link.gateway, atom::shut_v, link.orders);
  link.orders = 0;
  const auto& server = link.servers[link.next_server];
  link.next_server = (link.next_server + 1) % link.servers.size();
  log::debug("agent connects", {{"server", server}});
  self
    ->request(link.gateway, gateway_patience, atom::open_v, bus::socket_kind::orders_client, server)
    .then(
      [self, attempt = ++link.attempt](bus::socket_id socket) {
        auto& mine = self->state.link;
        if (attempt != mine.attempt) {
          self->send(mine.gateway, atom::shut_v, socket);
          return;
        }
        mine.orders = socket;
        say_hello(self);
      },
      [server](const caf::error& e) {
        log::error("agent cannot open socket",
                   {{"server", server}, {"reason", actors::to_failure(e).message}});
      });
}

/// Has the session's `tick` called in time.
void schedule(agent_pointer self) {
  auto& link = self->state.link;
  auto next = link.session.next_wake();
  if (link.wake && *link.wake <= next)
    return;
  link.wake = next;
  self->delayed_send(self, next - self->clock().now(), atom::tick_v, ++link.tick);
}

void carry_out(agent_pointer self, const bus::client_step& step) {
  auto& state = self->state;
  if (step.lost) {
    log::warning("agent lost its server");
    state.in_session = false;
    state.waiting.clear();
  }
  if (step.rejected)
    log::warning("agent is not wanted",
                 {{"reason", step.rejected->message}, {"hint", step.rejected->hint}});
  if (step.reopen)
    reopen(self);
  else if (step.send_hello)
    say_hello(self);
  if (step.send_heartbeat)
    send(self, messages::heartbeat{});
  schedule(self);
}

void wake(agent_pointer self, std::uint64_t number) {
  auto& link = self->state.link;
  if (number != link.tick)
    return;
  link.wake.reset();
  auto random = self->state.world->ambient.random();
  carry_out(self, link.session.tick(self->clock().now(), random));
}

void arrived(agent_pointer self, const actors::received& in) {
  auto& state = self->state;
  auto& link = state.link;
  if (in.socket != link.orders || !in.envelope)
    return;
  auto random = state.world->ambient.random();
  auto step = link.session.arrived(self->clock().now(), *in.envelope, random);
  carry_out(self, step);
  if (step.ignore)
    return;
  if (state.waiting.size() < most_waiting)
    state.waiting.push_back(in.envelope);
  work_off_waiting(self);
  look_for_newer_assignment(self);
}

// -- news from the launcher -----------------------------------------------------------------------

void note(found_instance& stranger, const process_event& event) {
  if (event.what != process_event::kind::exited && event.what != process_event::kind::gone)
    return;
  stranger.running = false;
  if (event.exit)
    stranger.exit = event.exit;
}

void pass_on(agent_pointer self, const process_event& event) {
  auto& state = self->state;
  if (auto child = state.instances.find(event.id); child != state.instances.end())
    self->send(child->second.actor, event);
  else if (auto stranger = state.strangers.find(event.id); stranger != state.strangers.end())
    note(stranger->second, event);
}

// -- start ----------------------------------------------------------------------------------------

void connect(agent_pointer self) {
  auto& link = self->state.link;
  link.session = bus::client_session{self->state.epoch};
  self->send(link.gateway, atom::attach_v, actors::receiver_actor{agent_actor{self}});
  reopen(self);
  link.wake = link.session.next_wake();
  self->send(self, atom::tick_v, ++link.tick);
}

/// Re-creates the instances as they are on the machine.
void take_over(agent_pointer self, const journal_content& memory,
               std::vector<found_instance> found) {
  auto& state = self->state;
  for (auto& each : found)
    state.strangers.emplace(each.id, std::move(each));
  std::map<std::string, instance_record> records;
  for (const auto& record : memory.instances)
    records.emplace(record.id, record);
  log::info("agent takes over", {{"generation", state.held.generation},
                                 {"instances", state.held.specs.size()},
                                 {"found", state.strangers.size()}});
  if (state.held.generation == 0) {
    // What nobody knows anything of may be what public ports lead to.
    if (state.strangers.empty())
      caf::anon_send(state.ports, atom::begin_v);
    return;
  }
  for (const auto& [id, spec] : state.held.specs) {
    auto there = state.strangers.extract(id);
    auto record = records.extract(id);
    spawn_instance(self, spec, there ? std::optional{there.mapped()} : std::nullopt,
                   record ? std::optional{record.mapped()} : std::nullopt);
  }
  for (const auto& [id, record] : records)
    if (!state.strangers.contains(id))
      self->send(state.journal, atom::erase_v, id);
  align(self);
}

void start(agent_pointer self, const journal_content& memory) {
  auto& state = self->state;
  auto found = state.world->instances->recover();
  if (!found)
    return self->quit(actors::to_error(found.error()));
  state.identity = memory.agent.identity;
  state.epoch = memory.agent.epoch;
  state.held.generation = memory.agent.generation;
  if (state.held.generation > 0)
    state.read_by = memory.agent.read_by;
  for (const auto& spec : memory.agent.specs)
    state.held.specs[spec.id] = std::make_shared<const messages::instance_spec>(spec);
  for (const auto& spec : memory.agent.leaving)
    state.leaving[spec.id] = std::make_shared<const messages::instance_spec>(spec);
  take_over(self, memory, std::move(*found));
  if (state.identity.empty()) {
    state.identity = random_name(state.world->ambient);
    return remember(self, state.held, [self] { connect(self); });
  }
  if (state.held.generation == 0)
    return connect(self);
  // The hello tells the digest of what is seen.
  self->request(state.ports, sight_patience, atom::begin_v)
    .then([self](bool) { connect(self); }, [self](const caf::error&) { connect(self); });
}

} // namespace

agent_actor::behavior_type agent(agent_actor::stateful_pointer<agent_state> self,
                                 agent_config config, outside* world, actors::gateway_actor gateway,
                                 journal_actor journal) {
  auto& state = self->state;
  state.config = std::move(config);
  state.world = world;
  state.journal = std::move(journal);
  state.link.servers = state.config.servers;
  state.link.gateway = gateway;
  state.incarnation = random_name(world->ambient);
  state.fetcher = self->spawn<caf::linked>(fetcher, state.config.name, world, std::move(gateway));
  state.ports = self->spawn<caf::linked>(static_ports, world, agent_actor{self});
  self->request(state.journal, journal_patience, atom::recall_v)
    .then([self](const journal_content_ptr& memory) { start(self, *memory); },
          [self](const caf::error& e) { self->quit(e); });
  return {
    [self](const public_ports_ptr& ports) { self->state.ledger.see(*ports); },
    [self](atom::seen, const observation_ptr& seen) {
      self->state.ledger.see(*seen);
      report(self);
    },
    [self](atom::gone, const observation_ptr& last) { lose(self, *last); },
    [self](const process_event& event) { pass_on(self, event); },
    [self](atom::tick, std::uint64_t number) { wake(self, number); },
    [self](atom::report) { report(self); },
    [self](atom::save) { write_again(self); },
    [self](atom::deliver, const actors::received& in) { arrived(self, in); },
  };
}

} // namespace deployminator::agent
