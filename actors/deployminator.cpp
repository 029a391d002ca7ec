#include "actors/deployminator.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "actors/decisions/observation.hpp"
#include "actors/decisions/order.hpp"
#include "actors/decisions/tables.hpp"
#include "actors/rollout.hpp"
#include "deploy-configs/deploy_file.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using deployminator_pointer = deployminator_actor::stateful_pointer<deployminator_state>;

constexpr auto commit_patience = 60s;
constexpr auto strategy_patience = 5s;
constexpr auto reload_interval = 2s;
constexpr auto reign_interval = 5s;

/// How long after its start the server believes that machines come back.
constexpr auto return_grace = 5s;

void proceed(deployminator_pointer self);
void fill_up_all(deployminator_pointer self);

void enqueue(deployminator_pointer self, work w) {
  self->state.queue.push_back(std::move(w));
  proceed(self);
}

/// For works that place instances: right after the start nobody knows which machines are there.
void enqueue_placing(deployminator_pointer self, work w) {
  if (!self->state.settled)
    return self->state.held_back.push_back(std::move(w));
  enqueue(self, std::move(w));
}

std::set<std::string> connected_machines(const deployminator_state& state) {
  std::set<std::string> out;
  for (const auto& machine_name : state.reachable)
    if (state.machines.contains(machine_name))
      out.insert(machine_name);
  return out;
}

void settle_machines(deployminator_pointer self) {
  auto& state = self->state;
  state.settled = true;
  for (auto& each : std::exchange(state.held_back, {}))
    enqueue(self, std::move(each));
}

moment now(const deployminator_state& state) {
  return {state.config.utc_now(), state.config.random};
}

// -- what follows a change ------------------------------------------------------------------------

rollout_view_ptr view_of(deployminator_state& state, std::uint64_t group_id) {
  auto view = std::make_shared<rollout_view>();
  view->rollout = state.farm.rollouts.at(group_id);
  view->group = state.farm.groups.at(group_id);
  auto shown = view->rollout.version_id ? view->rollout.version_id : view->rollout.previous_version;
  if (auto found = state.farm.versions.find(shown); found != state.farm.versions.end())
    view->target = found->second;
  for (const auto& [id, each] : state.farm.instances)
    if (state.farm.versions.at(each.version_id).group_id == group_id)
      view->instances.push_back(each);
  for (const auto& [machine_name, each] : state.farm.machines)
    if (!state.reachable.contains(machine_name))
      view->unreachable.insert(machine_name);
  view->revision = state.revisions[group_id];
  return view;
}

/// Shows a group's ROLLOUT what became of it; the actor comes and goes with the rollout.
void update_rollout(deployminator_pointer self, std::uint64_t group_id) {
  auto& state = self->state;
  auto actor = state.rollouts.find(group_id);
  if (!state.farm.rollouts.contains(group_id)) {
    if (actor != state.rollouts.end()) {
      self->send_exit(actor->second, caf::exit_reason::user_shutdown);
      state.rollouts.erase(actor);
    }
    return;
  }
  if (actor == state.rollouts.end())
    actor = state.rollouts
              .emplace(group_id, self->spawn<caf::monitored>(rollout, deployminator_actor{self}))
              .first;
  self->send(actor->second, atom::update_v, view_of(state, group_id));
}

std::set<std::uint64_t> groups_concerned(const farm& f, const change& c) {
  std::set<std::uint64_t> out{c.finished_rollouts.begin(), c.finished_rollouts.end()};
  for (const auto& each : c.rollouts)
    out.insert(each.group_id);
  for (const auto& each : c.versions)
    out.insert(each.group_id);
  for (const auto& each : c.instances)
    out.insert(f.versions.at(each.version_id).group_id);
  // A gone instance has no row any more; it can only matter to a rollout under way.
  if (!c.gone_instances.empty())
    for (const auto& [group_id, each] : f.rollouts)
      out.insert(group_id);
  return out;
}

void send_assignment(deployminator_pointer self, const std::string& machine_name) {
  auto& state = self->state;
  auto known = state.machines.find(machine_name);
  if (known != state.machines.end())
    self->send(known->second, atom::assign_v,
               machine_assignment_ptr{std::make_shared<const machine_assignment>(
                 assignment_of(state.farm, machine_name))});
}

void fill_up(deployminator_pointer self, std::uint64_t group_id);

/// The version that the group has, outside of any rollout.
const version* settled_version(const farm& f, std::uint64_t group_id) {
  auto found = f.versions.find(f.groups.at(group_id).deployed_version);
  return found == f.versions.end() || f.rollouts.contains(group_id) ? nullptr : &found->second;
}

/// What replaces an instance on a machine that left its groups may be ready now.
void move_misplaced(deployminator_pointer self, const change& c) {
  const auto& f = self->state.farm;
  std::set<std::uint64_t> groups;
  for (const auto& each : c.instances)
    if (is_proven(each.seen))
      groups.insert(f.versions.at(each.version_id).group_id);
  for (auto group_id : groups)
    if (const auto* deployed = settled_version(f, group_id);
        deployed && has_misplaced(f, *deployed))
      fill_up(self, group_id);
}

/// Tells everybody whom a committed change concerns.
void act_on(deployminator_pointer self, const change& c) {
  std::set<std::string> machine_names;
  for (const auto& each : c.machines)
    machine_names.insert(each.name);
  for (const auto& each : machine_names)
    send_assignment(self, each);
  for (auto group_id : groups_concerned(self->state.farm, c))
    update_rollout(self, group_id);
  for (auto group_id : c.finished_rollouts)
    fill_up(self, group_id);
  move_misplaced(self, c);
}

void look_at_all_rollouts(deployminator_pointer self) {
  for (const auto& [group_id, each] : self->state.farm.rollouts) {
    ++self->state.revisions[group_id];
    update_rollout(self, group_id);
  }
}

// -- deciding and committing ----------------------------------------------------------------------

void finish(deployminator_pointer self, std::vector<work>& batch,
            const result<std::uint64_t>& outcome) {
  for (auto& each : batch)
    if (each.finished)
      each.finished(outcome);
  self->state.busy = false;
  proceed(self);
}

/// After a failed commit the store alone knows what happened: begin from what it has.
void reload(deployminator_pointer self) {
  self->request(self->state.config.registrar, commit_patience, atom::load_v)
    .then(
      [self](const farm_ptr& loaded) {
        auto& state = self->state;
        state.farm = *loaded;
        log::info("deployminator reloaded farm", {{"last_event", state.farm.last_event}});
        for (const auto& [machine_name, each] : state.machines)
          send_assignment(self, machine_name);
        look_at_all_rollouts(self);
        state.busy = false;
        fill_up_all(self);
        proceed(self);
      },
      [self](const caf::error& e) {
        log::error("deployminator cannot load farm", {{"reason", to_failure(e).message}});
        self->delayed_send(self, reload_interval, atom::load_v);
      });
}

void commit(deployminator_pointer self, std::vector<work> batch) {
  auto& state = self->state;
  state.busy = true;
  auto total = std::make_shared<change>();
  for (auto& each : batch) {
    auto c = each.decide();
    apply(state.farm, c);
    // From here on a step that a ROLLOUT decided before is out of date, also within this batch.
    for (auto group_id : groups_concerned(state.farm, c))
      ++state.revisions[group_id];
    append(*total, std::move(c));
  }
  if (is_empty(*total))
    return finish(self, batch, state.farm.last_event);
  auto works = std::make_shared<std::vector<work>>(std::move(batch));
  self->request(state.config.registrar, commit_patience, atom::commit_v, change_ptr{total})
    .then(
      [self, total, works](std::uint64_t last) {
        self->state.farm.last_event = last;
        act_on(self, *total);
        finish(self, *works, last - total->events.size());
      },
      [self, works](const caf::error& e) {
        auto why = to_failure(e);
        for (auto& each : *works)
          if (each.finished)
            each.finished(why);
        // Another server reigns: this one is of no use until it is started again.
        if (why.code == failure_code::refused)
          return self->quit(e);
        reload(self);
      });
}

void proceed(deployminator_pointer self) {
  auto& state = self->state;
  if (state.busy || state.queue.empty())
    return;
  std::vector<work> batch;
  do {
    batch.push_back(std::move(state.queue.front()));
    state.queue.pop_front();
  } while (!batch.back().prepare && !state.queue.empty() && !state.queue.front().prepare);
  if (!batch.front().prepare)
    return commit(self, std::move(batch));
  state.busy = true;
  auto alone = std::make_shared<std::vector<work>>(std::move(batch));
  auto prepare = std::exchange(alone->front().prepare, nullptr);
  prepare([self, alone] { commit(self, std::move(*alone)); });
}

// -- placing --------------------------------------------------------------------------------------

/// An application to be placed.
struct place_task {
  std::string group_name;
  /// 0: none of its instances exist yet.
  std::uint64_t version_id = 0;
  application app;
  placement chosen;
};

using place_tasks = std::vector<place_task>;
using on_placed = std::function<void(result<place_tasks>)>;

/// Counts what earlier tasks of the same order put on the machines.
void count_earlier(const place_tasks& tasks, std::size_t done, placement_request& request) {
  for (std::size_t i = 0; i < done; ++i)
    for (const auto& machine_name : tasks[i].chosen.add)
      for (auto& each : request.candidates)
        each.instances += each.machine == machine_name ? 1 : 0;
}

/// Asks the strategies for one task after the other.
void place_next(deployminator_pointer self, std::shared_ptr<place_tasks> tasks, std::size_t next,
                const on_placed& done) {
  if (next == tasks->size())
    return done(std::move(*tasks));
  auto& state = self->state;
  auto& task = (*tasks)[next];
  auto request = placement_request_for(state.farm, connected_machines(state), task.group_name,
                                       task.version_id, task.app);
  if (!request)
    return done(request.error());
  count_earlier(*tasks, next, *request);
  auto strategy = state.config.strategies.find(task.app.strategy);
  if (strategy == state.config.strategies.end())
    return done(failure{failure_code::invalid,
                        fmt::format("there is no strategy {}", task.app.strategy), ""});
  self
    ->request(strategy->second, strategy_patience, atom::place_v,
              placement_request_ptr{std::make_shared<const placement_request>(*request)})
    .then(
      [self, tasks, next, done](const placement_ptr& chosen) {
        (*tasks)[next].chosen = *chosen;
        place_next(self, tasks, next + 1, done);
      },
      [done](const caf::error& e) { done(to_failure(e)); });
}

void place(deployminator_pointer self, place_tasks tasks, const on_placed& done) {
  place_next(self, std::make_shared<place_tasks>(std::move(tasks)), 0, done);
}

/// One application alone, so that one which cannot be placed keeps no other from its machines.
void fill_up(deployminator_pointer self, std::uint64_t group_id,
             const std::string& application_name) {
  auto tasks = std::make_shared<place_tasks>();
  auto deployed = [self, group_id] { return settled_version(self->state.farm, group_id); };
  work w;
  w.prepare
    = [self, group_id, application_name, tasks, deployed](const std::function<void()>& ready) {
        if (const auto* v = deployed()) {
          const auto& g = self->state.farm.groups.at(group_id);
          for (const auto& app : v->applications)
            if (app.name == application_name)
              tasks->push_back({g.namespace_ + "/" + g.name, v->id, app, {}});
        }
        place(self, std::exchange(*tasks, {}), [tasks, ready](result<place_tasks> placed) {
          // No machine to put it on now: the next one that joins asks again.
          if (placed)
            *tasks = std::move(*placed);
          ready();
        });
      };
  w.decide = [self, tasks, deployed] {
    change all;
    if (const auto* v = deployed())
      for (const auto& each : *tasks)
        append(all,
               each.chosen.add.empty()
                 ? stop_misplaced(self->state.farm, *v, each.app, now(self->state))
                 : add_instances(self->state.farm, *v, each.app, each.chosen, now(self->state)));
    return all;
  };
  enqueue_placing(self, std::move(w));
}

/// Adds what a deployed group lacks, say on a machine that joined, and then takes away what is on
/// machines that left its groups; not while it is rolled out.
void fill_up(deployminator_pointer self, std::uint64_t group_id) {
  if (const auto* v = settled_version(self->state.farm, group_id))
    for (const auto& app : v->applications)
      fill_up(self, group_id, app.name);
}

// -- orders ---------------------------------------------------------------------------------------

using message_promise = caf::response_promise;

} // namespace

/// An order on its way: what is decided about it is answered once it is committed.
struct pending_order {
  std::string id;
  /// One for each copy of the order that came while it was under way.
  std::vector<message_promise> answers;
  std::optional<failure> refused;
  std::vector<group_version> versions;
  bool known_already = false;
  /// Where its events began, as the first answer said it; only of one that is known already.
  std::uint64_t seq = 0;
};

namespace {

void answer_order(deployminator_pointer self, const pending_order_ptr& order,
                  const result<std::uint64_t>& first_event) {
  self->state.orders_under_way.erase(order->id);
  for (auto& each : order->answers) {
    if (order->refused || !first_event)
      each.deliver(to_error(order->refused ? *order->refused : first_event.error()));
    else
      each.deliver(message_ptr{std::make_shared<const message>(
        accepted{order->known_already ? order->seq : *first_event, order->versions})});
  }
}

/// The order to work on, or null where a copy of it is under way, which answers this one as well.
pending_order_ptr begin_order(deployminator_pointer self, const std::string& id,
                              message_promise answer) {
  auto& under_way = self->state.orders_under_way;
  if (auto copy = under_way.find(id); copy != under_way.end()) {
    copy->second->answers.push_back(std::move(answer));
    return nullptr;
  }
  auto order = std::make_shared<pending_order>();
  order->id = id;
  order->answers.push_back(std::move(answer));
  under_way[id] = order;
  return order;
}

/// Whether the order was carried out before, or already cannot be.
bool is_settled(const deployminator_state& state, pending_order& order) {
  if (order.id.empty() || order.id.size() > 64)
    order.refused
      = failure{failure_code::invalid, "an order needs an order_id of 1 to 64 characters",
                "choose a random one for each order"};
  if (auto known = state.farm.orders.find(order.id); known != state.farm.orders.end()) {
    order.known_already = true;
    order.versions = known->second.versions;
    order.seq = known->second.seq;
  }
  return order.refused || order.known_already;
}

change settle(pending_order& order, result<ordered> outcome) {
  if (!outcome) {
    order.refused = outcome.error();
    return {};
  }
  order.versions = std::move(outcome->receipt.versions);
  return std::move(outcome->what);
}

failure mistakes_as_failure(const std::string& file_name,
                            const std::vector<configs::mistake>& mistakes) {
  std::vector<std::string> lines;
  for (const auto& each : mistakes)
    lines.push_back(configs::to_text(file_name, each));
  return {failure_code::invalid, fmt::format("{}", fmt::join(lines, "\n")),
          "`deploy validate` checks a file without a server"};
}

result<std::vector<configs::group_definition>> groups_of(const submit_build& order) {
  auto file_name = order.file_name.empty() ? "deploy.yaml" : order.file_name;
  auto read = configs::read_deploy_file(order.file);
  if (const auto* mistakes = std::get_if<1>(&read))
    return mistakes_as_failure(file_name, *mistakes);
  auto built = configs::for_build(std::get<0>(read),
                                  {order.build, order.repository, order.artifact_id, order.sha256});
  if (const auto* mistakes = std::get_if<1>(&built))
    return mistakes_as_failure(file_name, *mistakes);
  return std::move(std::get<0>(built));
}

/// Groups the placed applications again as they stood in the order.
std::vector<planned_group> planned_from(const std::vector<configs::group_definition>& groups,
                                        const place_tasks& tasks) {
  std::vector<planned_group> out;
  auto task = tasks.begin();
  for (const auto& each : groups) {
    out.push_back({each.namespace_, each.name, {}});
    for (std::size_t i = 0; i < each.applications.size(); ++i, ++task)
      out.back().applications.push_back({task->app, task->chosen});
  }
  return out;
}

/// `version_id`: the kept version that comes back, 0 for a new one.
place_tasks tasks_for(const std::vector<configs::group_definition>& groups,
                      std::uint64_t version_id) {
  place_tasks out;
  for (const auto& g : groups)
    for (const auto& app : g.applications)
      out.push_back({g.namespace_ + "/" + g.name, version_id, app, {}});
  return out;
}

/// A work that places `groups` and then lets `decide` make the change, unless the order is settled.
struct groups_to_place {
  std::vector<configs::group_definition> groups;
  /// The kept version they are of; 0 for new ones.
  std::uint64_t version_id = 0;
};

using groups_source = std::function<result<groups_to_place>()>;
using order_decision = std::function<result<ordered>(const std::vector<planned_group>&)>;

work placing_work(deployminator_pointer self, const pending_order_ptr& order, groups_source source,
                  order_decision decide) {
  auto planned = std::make_shared<std::vector<planned_group>>();
  work w;
  w.prepare = [self, order, planned, source](const std::function<void()>& ready) {
    if (is_settled(self->state, *order))
      return ready();
    auto groups = source();
    if (!groups) {
      order->refused = groups.error();
      return ready();
    }
    auto wanted = std::make_shared<groups_to_place>(std::move(*groups));
    auto tasks = tasks_for(wanted->groups, wanted->version_id);
    place(self, std::move(tasks), [order, planned, wanted, ready](result<place_tasks> p) {
      if (p)
        *planned = planned_from(wanted->groups, *p);
      else
        order->refused = p.error();
      ready();
    });
  };
  w.decide = [order, planned, decide] {
    bool settled = order->refused || order->known_already;
    return settled ? change{} : settle(*order, decide(*planned));
  };
  w.finished
    = [self, order](const result<std::uint64_t>& outcome) { answer_order(self, order, outcome); };
  return w;
}

void take_build(deployminator_pointer self, const submit_build& build, message_promise answer) {
  auto order = begin_order(self, build.order_id, std::move(answer));
  if (!order)
    return;
  auto source = [build]() -> result<groups_to_place> {
    auto groups = groups_of(build);
    if (!groups)
      return groups.error();
    return groups_to_place{std::move(*groups)};
  };
  enqueue_placing(
    self, placing_work(self, order, source,
                       [self, build](const std::vector<planned_group>& groups) -> result<ordered> {
                         return deploy_build(self->state.farm, build, groups, now(self->state));
                       }));
}

void take_roll(deployminator_pointer self, const roll_to_version& roll, message_promise answer) {
  auto order = begin_order(self, roll.order_id, std::move(answer));
  if (!order)
    return;
  auto source = [self, roll]() -> result<groups_to_place> {
    auto target = version_to_roll_to(self->state.farm, roll);
    if (!target)
      return target.error();
    return groups_to_place{{{roll.namespace_, roll.group, target->applications}}, target->id};
  };
  enqueue_placing(
    self, placing_work(self, order, source,
                       [self, roll](const std::vector<planned_group>& groups) -> result<ordered> {
                         auto target = version_to_roll_to(self->state.farm, roll);
                         if (!target)
                           return target.error();
                         return roll_to(self->state.farm, roll, groups.at(0), *target,
                                        now(self->state));
                       }));
}

void take_undeploy(deployminator_pointer self, const undeploy& body, message_promise answer) {
  auto order = begin_order(self, body.order_id, std::move(answer));
  if (!order)
    return;
  work w;
  w.decide = [self, order, body] {
    if (is_settled(self->state, *order))
      return change{};
    return settle(*order, undeploy_group(self->state.farm, body, now(self->state)));
  };
  w.finished
    = [self, order](const result<std::uint64_t>& outcome) { answer_order(self, order, outcome); };
  enqueue(self, std::move(w));
}

caf::result<message_ptr> take_order(deployminator_pointer self, const envelope_ptr& envelope) {
  auto answer = self->make_response_promise();
  if (const auto* build = std::get_if<submit_build>(&envelope->body))
    take_build(self, *build, answer);
  else if (const auto* roll = std::get_if<roll_to_version>(&envelope->body))
    take_roll(self, *roll, answer);
  else if (const auto* body = std::get_if<undeploy>(&envelope->body))
    take_undeploy(self, *body, answer);
  else
    answer.deliver(to_error({failure_code::internal, "this is no order", ""}));
  return answer;
}

// -- questions ------------------------------------------------------------------------------------

void answer_query(deployminator_pointer self, const query& question, message_promise answered) {
  auto& state = self->state;
  auto rows = answer(state.farm, state.reachable, question, state.config.utc_now());
  if (rows)
    answered.deliver(message_ptr{std::make_shared<const message>(std::move(*rows))});
  else
    answered.deliver(to_error(rows.error()));
}

/// Answered between two commits, so that nobody sees what is not stored: what it is decided with
/// may be refused by the store, and the numbers of its events are not given away yet.
void enqueue_query(deployminator_pointer self, const query& question, message_promise answered) {
  work w;
  w.decide = [] { return change{}; };
  w.finished = [self, question, answered](const result<std::uint64_t>& outcome) {
    if (outcome)
      answer_query(self, question, answered);
    else
      enqueue_query(self, question, answered);
  };
  enqueue(self, std::move(w));
}

caf::result<message_ptr> take_query(deployminator_pointer self, const query& question) {
  auto answered = self->make_response_promise();
  enqueue_query(self, question, answered);
  return answered;
}

caf::result<message_ptr> take_question(deployminator_pointer self, const envelope_ptr& envelope) {
  if (const auto* question = std::get_if<query>(&envelope->body))
    return take_query(self, *question);
  const auto* log = std::get_if<read_log>(&envelope->body);
  if (!log)
    return to_error({failure_code::internal, "this is no question", ""});
  auto& state = self->state;
  auto found = state.farm.instances.find(log->instance);
  if (found == state.farm.instances.end())
    return to_error({failure_code::not_found, fmt::format("there is no instance {}", log->instance),
                     "`deploy instances` lists them"});
  auto machine_of_it = state.machines.find(found->second.machine);
  if (machine_of_it == state.machines.end())
    return to_error({failure_code::unreachable,
                     fmt::format("machine {} is out of reach", found->second.machine),
                     "see `deploy machines`"});
  return self->delegate(machine_of_it->second, atom::ask_v, envelope);
}

// -- machines -------------------------------------------------------------------------------------

/// A machine that is new or serves other groups may have to get instances.
void fill_up_all(deployminator_pointer self) {
  for (const auto& [group_id, each] : self->state.farm.groups)
    if (each.deployed_version && !self->state.farm.rollouts.contains(group_id))
      fill_up(self, group_id);
}

caf::result<briefing_ptr> take_join(deployminator_pointer self, const hello_ptr& h,
                                    const machine_actor& from) {
  auto joined = self->make_response_promise();
  work w;
  auto machine_name = h->agent->name;
  self->state.joining.insert(machine_name);
  auto refused = std::make_shared<std::optional<failure>>();
  w.decide = [self, h, machine_name, refused] {
    auto& state = self->state;
    bool was_reachable
      = state.farm.machines.contains(machine_name) && state.reachable.contains(machine_name);
    auto c = machine_joined(state.farm, *h->agent, h->software, was_reachable, now(state));
    if (c)
      return std::move(*c);
    *refused = c.error();
    return change{};
  };
  w.finished
    = [self, machine_name, from, joined, refused](const result<std::uint64_t>& outcome) mutable {
        self->state.joining.extract(machine_name);
        if (!outcome || *refused)
          return joined.deliver(to_error(outcome ? **refused : outcome.error()));
        auto& state = self->state;
        state.reachable.insert(machine_name);
        state.machines[machine_name] = from;
        if (!state.settled && connected_machines(state).size() == state.farm.machines.size())
          settle_machines(self);
        auto b = std::make_shared<briefing>();
        b->assignment = assignment_of(state.farm, machine_name);
        b->observation_digest = digest_of(observations_of(state.farm, machine_name));
        joined.deliver(briefing_ptr{std::move(b)});
        look_at_all_rollouts(self);
        fill_up_all(self);
      };
  enqueue(self, std::move(w));
  return joined;
}

void take_loss(deployminator_pointer self, const std::string& machine_name,
               const std::string& reason) {
  work w;
  w.decide = [self, machine_name, reason] {
    auto& state = self->state;
    if (!state.reachable.contains(machine_name))
      return change{};
    return machine_lost(state.farm, machine_name, reason, now(state));
  };
  w.finished = [self, machine_name](const result<std::uint64_t>&) {
    self->state.reachable.erase(machine_name);
    look_at_all_rollouts(self);
  };
  enqueue(self, std::move(w));
}

caf::result<bool> take_report(deployminator_pointer self, const std::string& machine_name,
                              const report_ptr& news) {
  auto stored = self->make_response_promise();
  work w;
  w.decide = [self, machine_name, news] {
    return observe(self->state.farm, machine_name, *news, now(self->state));
  };
  w.finished = [stored](const result<std::uint64_t>& outcome) mutable {
    if (outcome)
      stored.deliver(true);
    else
      stored.deliver(to_error(outcome.error()));
  };
  enqueue(self, std::move(w));
  return stored;
}

void take_step(deployminator_pointer self, std::uint64_t group_id, std::uint64_t revision,
               const rollout_decision_ptr& decision) {
  work w;
  w.decide = [self, group_id, revision, decision] {
    auto& state = self->state;
    // Something happened since; the ROLLOUT has seen it meanwhile and decides again.
    if (state.revisions[group_id] != revision)
      return change{};
    return carry_out(state.farm, group_id, *decision, now(state));
  };
  enqueue(self, std::move(w));
}

/// A server that has lost the reign finds out with its next change; it may have none to make.
void ask_for_reign(deployminator_pointer self) {
  if (std::exchange(self->state.asks_for_reign, true))
    return;
  self->request(self->state.config.registrar, commit_patience, atom::reign_v)
    .then([self](bool) { self->state.asks_for_reign = false; },
          [self](const caf::error& e) {
            self->state.asks_for_reign = false;
            if (to_failure(e).code == failure_code::refused)
              self->quit(e);
          });
}

void give_up_on_absent_machines(deployminator_pointer self) {
  auto& state = self->state;
  for (const auto& [machine_name, each] : state.farm.machines)
    if (state.reachable.contains(machine_name) && !state.machines.contains(machine_name)
        && !state.joining.contains(machine_name))
      take_loss(self, machine_name, "its agent did not connect after the server's start");
  if (!state.settled)
    settle_machines(self);
}

void begin(deployminator_pointer self, deployminator_config config) {
  auto& state = self->state;
  state.config = std::move(config);
  state.farm = *state.config.farm;
  state.config.farm = nullptr;
  for (const auto& [machine_name, each] : state.farm.machines)
    state.reachable.insert(machine_name);
  state.settled = state.farm.machines.empty();
  look_at_all_rollouts(self);
  self->delayed_send(self, return_grace, atom::tick_v);
  self->delayed_send(self, reign_interval, atom::tick_v, atom::reign_v);
}

} // namespace

deployminator_actor::behavior_type
deployminator(deployminator_actor::stateful_pointer<deployminator_state> self,
              deployminator_config config) {
  begin(self, std::move(config));
  // One that fails takes all with it: a new start finds everything in the store.
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.reason && down.reason != caf::exit_reason::user_shutdown)
      self->quit(down.reason);
  });
  return {
    [self](atom::order, const envelope_ptr& e) { return take_order(self, e); },
    [self](atom::ask, const envelope_ptr& e) { return take_question(self, e); },
    [self](atom::join, const hello_ptr& h, const machine_actor& from) {
      return take_join(self, h, from);
    },
    [self](atom::lost, const std::string& machine_name, const std::string& reason) {
      take_loss(self, machine_name, reason);
    },
    [self](atom::observe, const std::string& machine_name, const report_ptr& news) {
      return take_report(self, machine_name, news);
    },
    [self](atom::advance, std::uint64_t group_id, std::uint64_t revision,
           const rollout_decision_ptr& decision) { take_step(self, group_id, revision, decision); },
    [self](atom::reign) { ask_for_reign(self); },
    [self](atom::tick, atom::reign) {
      self->delayed_send(self, reign_interval, atom::tick_v, atom::reign_v);
      ask_for_reign(self);
    },
    [self](atom::load) { reload(self); },
    [self](atom::tick) { give_up_on_absent_machines(self); },
  };
}

} // namespace deployminator::actors
