#include "agent/agent.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "agent/fetcher.hpp"
#include "agent/public_ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace deployminator::agent {

namespace {

using agent_pointer = agent_actor::stateful_pointer<agent_state>;

/// How long the JOURNAL may take, and how long until it is asked again.
constexpr std::chrono::seconds journal_timeout{30};
constexpr std::chrono::seconds journal_retry{1};
/// How often is looked what is wrong with the machine.
constexpr std::chrono::seconds trouble_interval{5};
/// How long the instances that were found may take to be seen before the server is called.
constexpr std::chrono::seconds sight_timeout{5};
/// The answer to `read_log` carries no more.
constexpr std::size_t log_piece_bytes = 256 << 10;

void on_written(agent_pointer self);
void note_troubles(agent_pointer self, trouble_source from, const troubles& found);
void on_unwritten(agent_pointer self, const std::string& why);

std::string random_name(const ambience& ambient) {
  std::string out;
  for (int i = 0; i < 4; ++i)
    out += fmt::format("{:08x}", static_cast<std::uint32_t>(ambient.random() * 4294967296.0));
  return out;
}

// -- writing the record ---------------------------------------------------------------------------

void write(agent_pointer self) {
  auto& state = self->state;
  self->request(state.journal, journal_timeout, atom::save_v, state.record.content())
    .then([self](bool) { on_written(self); },
          [self](const caf::error& e) { on_unwritten(self, common::to_failure(e).message); });
}

/// The id of the store that is obeyed, as the session or, before the first one, the record has it.
std::string store_of(const agent_state& state) {
  return state.link->is_begun() ? state.link->store() : state.record.store();
}

/// Keeps what is `held` with the highest epoch; `on_written` follows.
void remember(agent_pointer self, held_assignment held, std::vector<std::string> removed = {}) {
  auto& state = self->state;
  auto leaving = state.instances->leaving(held.specs);
  state.record.begin({std::move(held), state.link->epoch(), store_of(state), std::move(leaving),
                      std::move(removed)});
  write(self);
}

void write_again(agent_pointer self) {
  if (self->state.record.take_retry())
    write(self);
}

// -- reports --------------------------------------------------------------------------------------

void report(agent_pointer self) {
  auto& state = self->state;
  if (!state.in_session)
    return;
  auto now = self->clock().now();
  if (state.report_wake && now >= *state.report_wake)
    state.report_wake.reset();
  if (auto due = state.ledger.take(now))
    state.link->send(std::move(*due));
  auto next = state.ledger.due();
  if (!next || (state.report_wake && *state.report_wake <= *next))
    return;
  state.report_wake = *next;
  self->delayed_send(self, *next - now, atom::report_v);
}

/// Tells what the record holds up that cannot be written, where that is news.
void tell_held_up(agent_pointer self) {
  auto& state = self->state;
  auto seen = [&](const std::string& id) { return state.ledger.last_of(id); };
  for (auto& each : state.record.held_up(seen)) {
    auto& told = state.held_up[each.id];
    if (told == each)
      continue;
    told = each;
    state.ledger.see(std::move(each));
  }
  report(self);
}

/// What was told to be held up and never began is gone.
void forget_held_up(agent_pointer self) {
  auto& state = self->state;
  for (const auto& [id, told] : std::exchange(state.held_up, {}))
    if (!state.instances->contains(id))
      state.ledger.lose({.id = id, .state = messages::instance_state::stopped, .reason = "gone"});
  report(self);
}

void lose(agent_pointer self, const messages::observation& last) {
  auto& state = self->state;
  if (state.record.keep_back(last))
    return tell_held_up(self);
  state.ledger.lose(last);
  state.instances->erase(last.id);
  state.instances->align(state.record.held().specs);
  report(self);
}

/// An instance that was wanted and given up again before this agent heard of it is gone as well.
void report_never_begun(agent_pointer self, const std::vector<std::string>& removed) {
  auto& state = self->state;
  for (const auto& id : removed)
    if (!state.instances->contains(id))
      state.ledger.lose({.id = id, .state = messages::instance_state::stopped, .reason = "gone"});
  report(self);
}

// -- what is wrong with the machine --------------------------------------------------------------

void note_troubles(agent_pointer self, trouble_source from, const troubles& found) {
  auto& state = self->state;
  auto news = state.troubles.set(from, found, state.world->ambient.utc_now());
  if (news == trouble_book::news::none)
    return;
  auto all = state.troubles.list();
  // The PUBLIC PORTS log theirs themselves.
  if (from != trouble_source::public_ports)
    for (const auto& each : found)
      common::log::warning("agent finds trouble", {{"what", each.what}, {"hint", each.hint}});
  if (all.empty())
    common::log::info("agent finds no trouble any more");
  state.ledger.see(std::move(all));
  report(self);
  // A disk that is all but full lets one record through and not the next.
  if (news == trouble_book::news::some_ended && from != trouble_source::record)
    state.instances->revive("a trouble of its machine is over");
}

void look_for_troubles(agent_pointer self) {
  auto look_again = [self] { self->delayed_send(self, trouble_interval, atom::check_v); };
  self->request(self->state.journal, journal_timeout, atom::check_v)
    .then(
      [self, look_again](const troubles_ptr& found) {
        note_troubles(self, trouble_source::storage, *found);
        look_again();
      },
      [look_again](const caf::error&) { look_again(); });
}

void see_ports(agent_pointer self, const messages::public_ports& ports) {
  self->state.ledger.see(ports);
  troubles found;
  if (!ports.problem.empty())
    found.push_back({"the public ports are not as configured: " + ports.problem,
                     {},
                     "`autodeployer --check` tells what stands in the way"});
  note_troubles(self, trouble_source::public_ports, found);
}

/// The server's heartbeats tell its time.
void compare_clocks(agent_pointer self, const messages::envelope& e) {
  auto& state = self->state;
  const auto* beat = std::get_if<messages::heartbeat>(&e.body);
  if (beat && beat->time)
    note_troubles(self, trouble_source::clock,
                  state.clock.see(*beat->time, state.world->ambient.utc_now()));
}

// -- what the server says -------------------------------------------------------------------------

void say_what_is_held(agent_pointer self) {
  auto& state = self->state;
  const auto& held = state.record.held();
  if (state.in_session)
    state.link->send(messages::assigned{held.generation, digest_of(held)});
}

void handle(agent_pointer self, const messages::welcome& welcome) {
  auto& state = self->state;
  common::log::info("agent is connected", {{"server", welcome.software},
                                           {"epoch", state.record.epoch()},
                                           {"report", welcome.report_wanted ? "full" : "changes"}});
  state.link->publish_to(welcome.collect);
  state.in_session = true;
  state.ledger.restart(welcome.report_wanted);
  report(self);
}

void handle(agent_pointer self, const messages::assignment& part) {
  auto& state = self->state;
  auto verdict = state.inbox.take(part, state.record.held());
  switch (verdict.what) {
    case assignment_verdict::kind::incomplete:
      return;
    case assignment_verdict::kind::unusable:
      common::log::warning("agent cannot use assignment",
                           {{"generation", part.generation}, {"reason", verdict.reason}});
      return say_what_is_held(self);
    case assignment_verdict::kind::repeated:
      return say_what_is_held(self);
    case assignment_verdict::kind::complete:
      return remember(self, std::move(verdict.next), std::move(verdict.removed));
  }
}

void handle(agent_pointer self, const messages::reported& confirmed) {
  self->state.ledger.confirm(confirmed.revision);
  report(self);
}

/// Where what was asked for begins.
messages::result<std::uint64_t> offset_of(log_reader& logs, const messages::read_log& wanted) {
  if (wanted.offset)
    return *wanted.offset;
  if (!wanted.since)
    return logs.offset_of_last_lines(wanted.instance, wanted.last_lines);
  auto since = logs.offset_since(wanted.instance, wanted.since);
  if (!since || wanted.last_lines == 0)
    return since;
  auto last = logs.offset_of_last_lines(wanted.instance, wanted.last_lines);
  return last ? std::max(*last, *since) : last;
}

messages::result<messages::log_chunk> read(log_reader& logs, const messages::read_log& wanted,
                                           const std::string& machine) {
  auto offset = offset_of(logs, wanted);
  if (!offset)
    return offset.error();
  auto piece = logs.read(wanted.instance, *offset, log_piece_bytes);
  if (!piece)
    return piece.error();
  return messages::log_chunk{piece->offset,
                             {piece->data.begin(), piece->data.end()},
                             piece->more,
                             machine,
                             std::move(piece->gone),
                             piece->end};
}

void answer(agent_pointer self, std::uint64_t id, const messages::read_log& wanted) {
  auto& state = self->state;
  auto chunk = read(*state.world->logs, wanted, state.config.name);
  if (chunk)
    state.link->send(std::move(*chunk), id);
  else
    state.link->send(messages::refusal{chunk.error()}, id);
}

void answer(agent_pointer self, std::uint64_t id, const messages::find_logs& wanted) {
  auto& state = self->state;
  auto found = state.world->logs->find(wanted);
  if (found)
    state.link->send(messages::found_logs{std::move(found->list), found->more, {}}, id);
  else
    state.link->send(messages::refusal{found.error()}, id);
}

void answer(agent_pointer self, std::uint64_t id, const messages::measure& wanted) {
  auto& state = self->state;
  std::map<std::string, std::int64_t> programs;
  for (const auto& [instance, spec] : state.record.held().specs) {
    const auto* seen = state.ledger.last_of(instance);
    bool is_wanted = (wanted.namespace_.empty() || wanted.namespace_ == spec->namespace_)
                     && (wanted.group.empty() || wanted.group == spec->group);
    if (is_wanted && seen && seen->pid > 0)
      programs.emplace(instance, seen->pid);
  }
  auto samples = state.world->usage->sample(programs);
  state.link->send(messages::measured{state.usage.enter(samples, self->clock().now()), false, {}},
                   id);
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
  if (const auto* wanted = std::get_if<messages::find_logs>(&e.body))
    return answer(self, e.id, *wanted);
  if (const auto* wanted = std::get_if<messages::measure>(&e.body))
    return answer(self, e.id, *wanted);
  if (const auto* refused = std::get_if<messages::refusal>(&e.body))
    common::log::warning("agent was refused", {{"reason", refused->error.message}});
}

void work_off_waiting(agent_pointer self) {
  auto& record = self->state.record;
  if (record.must_note(self->state.link->epoch(), self->state.link->store()))
    return remember(self, record.held());
  while (auto message = record.take_message())
    work_on(self, *message);
}

// -- the record is, or is not, on disk ------------------------------------------------------------

void hold(agent_pointer self, const record_outcome& outcome) {
  auto& state = self->state;
  const auto& held = state.record.held();
  common::log::info("agent holds assignment",
                    {{"generation", held.generation}, {"instances", held.specs.size()}});
  say_what_is_held(self);
  state.instances->align(held.specs);
  if (outcome.is_first)
    caf::anon_send(state.ports, atom::begin_v);
  report_never_begun(self, outcome.removed);
}

void on_written(agent_pointer self) {
  auto& state = self->state;
  auto outcome = state.record.finish();
  if (!state.link->is_begun())
    state.link->connect(state.record.epoch(), state.record.store());
  if (outcome.is_assignment)
    hold(self, outcome);
  for (const auto& last : outcome.gone) {
    state.held_up.erase(last.id);
    lose(self, last);
  }
  forget_held_up(self);
  note_troubles(self, trouble_source::record, {});
  work_off_waiting(self);
}

/// Ends what the record that cannot be written has no more: that frees the very disk. A crash
/// before it is written starts those instances again, as the last assignment that was confirmed
/// wants.
void on_unwritten(agent_pointer self, const std::string& why) {
  auto& state = self->state;
  if (state.record.fail(why))
    self->delayed_send(self, journal_retry, atom::save_v);
  if (!state.link->is_begun())
    state.link->connect(state.record.epoch(), state.record.store());
  state.instances->stop_all_but(state.record.wanted());
  note_troubles(self, trouble_source::record,
                {{"the agent cannot note what it is to do: " + why, {}, how_to_mend_writing}});
  tell_held_up(self);
  work_off_waiting(self);
}

// -- the session ----------------------------------------------------------------------------------

messages::agent_introduction introduction(const agent_state& state) {
  const auto& held = state.record.held();
  return {state.config.name,   state.record.identity(), state.incarnation,
          state.config.groups, state.config.memory_mb,  held.generation,
          digest_of(held),     state.ledger.digest(),   held.read_by != DEPLOYMINATOR_VERSION};
}

void follow(agent_pointer self, const link_news& news) {
  if (!news.lost)
    return;
  self->state.in_session = false;
  self->state.record.drop_waiting();
}

void arrived(agent_pointer self, const common::received& in) {
  auto news = self->state.link->arrived(in);
  follow(self, news);
  if (!news.is_message)
    return;
  compare_clocks(self, *in.envelope);
  self->state.record.wait(in.envelope);
  work_off_waiting(self);
}

// -- start ----------------------------------------------------------------------------------------

/// Re-creates the instances as they are on the machine.
void take_over(agent_pointer self, const journal_content& memory,
               std::vector<found_instance> found) {
  auto& state = self->state;
  const auto& held = state.record.held();
  bool never_had_any = held.generation == 0;
  common::log::info(
    "agent takes over",
    {{"generation", held.generation}, {"instances", held.specs.size()}, {"found", found.size()}});
  inheritance left{std::move(found), memory.instances, memory.agent.leaving};
  state.instances->take_over(std::move(left), held);
  // What nobody knows anything of may be what public ports lead to. It never had an assignment, or
  // has lost it.
  if (never_had_any && state.instances->strangers() == 0)
    caf::anon_send(state.ports, atom::begin_v);
}

void start(agent_pointer self, const journal_content& memory) {
  auto& state = self->state;
  auto found = state.world->instances->recover();
  if (!found)
    return self->quit(common::to_error(found.error()));
  state.record = record_keeping{memory.agent};
  look_for_troubles(self);
  take_over(self, memory, std::move(*found));
  auto connect = [self] {
    const auto& record = self->state.record;
    self->state.link->connect(record.epoch(), record.store());
  };
  if (state.record.identity().empty()) {
    state.record.identify(random_name(state.world->ambient));
    return remember(self, state.record.held());
  }
  if (state.record.held().generation == 0)
    return connect();
  // The hello tells the digest of what is seen.
  self->request(state.ports, sight_timeout, atom::begin_v)
    .then([connect](bool) { connect(); }, [connect](const caf::error&) { connect(); });
}

} // namespace

agent_actor::behavior_type agent(agent_actor::stateful_pointer<agent_state> self,
                                 agent_config config, outside* world, common::gateway_actor gateway,
                                 journal_actor journal) {
  auto& state = self->state;
  state.config = std::move(config);
  state.world = world;
  state.journal = std::move(journal);
  state.incarnation = random_name(world->ambient);
  auto publisher = self->spawn<caf::linked>(fetcher, state.config.name, world, gateway);
  state.ports = self->spawn<caf::linked>(public_ports, world, agent_actor{self});
  state.instances.emplace(
    self, roster_config{state.config.name, world, state.ports, publisher, state.journal});
  state.link.emplace(self, link_config{state.config.servers, std::move(gateway), state.journal,
                                       publisher, [self] { return introduction(self->state); },
                                       world->ambient.random});
  self->request(state.journal, journal_timeout, atom::recall_v)
    .then([self](const journal_content_ptr& memory) { start(self, *memory); },
          [self](const caf::error& e) { self->quit(e); });
  return {
    [self](const public_ports_ptr& ports) { see_ports(self, *ports); },
    [self](atom::seen, const observation_ptr& seen) {
      self->state.ledger.see(*seen);
      report(self);
    },
    [self](atom::gone, const observation_ptr& last) { lose(self, *last); },
    [self](const process_event& event) { self->state.instances->pass_on(event); },
    [self](atom::tick, std::uint64_t number) { follow(self, self->state.link->wake(number)); },
    [self](atom::report) { report(self); },
    [self](atom::check) { look_for_troubles(self); },
    [self](atom::save) { write_again(self); },
    [self](atom::deliver, const common::received& in) { arrived(self, in); },
  };
}

} // namespace deployminator::agent
