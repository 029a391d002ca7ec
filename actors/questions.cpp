#include "actors/questions.hpp"

#include "actors/attendance.hpp"
#include "actors/decisions/access.hpp"
#include "actors/decisions/tables.hpp"
#include "actors/log_search.hpp"
#include "actors/strategy_troubles.hpp"
#include "actors/usage_round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace deployminator::actors {

namespace {

using namespace messages;

/// Longer than a MACHINE waits for its agent.
constexpr std::chrono::seconds log_timeout{15};

/// That nothing is replaced, since when, and what to do.
void add_silence(deployminator_pointer self, const farm& f,
                 std::vector<machine_trouble>& troubles) {
  const auto& state = self->state;
  // Each question asks, and all machines are looked at only where that is so.
  if (!are_too_many(state.silent_since.size(), f.machines.size(), state.config.silence))
    return;
  auto quiet = silence_now(self, f);
  if (quiet.cut_off.empty())
    return;
  timestamp since;
  for (const auto& [name, lasting] : quiet.lasting)
    since = std::max(since, f.machines.at(name).last_seen);
  troubles.push_back({quiet.cut_off, since,
                      "see that the server reaches its machines; `deploy forget` those that are "
                      "gone for good, and its setting `silent-share` says how many may be silent"});
}

/// A server that was stopped, or whose database is away, may have been followed by another one.
std::optional<machine_trouble> doubt(deployminator_pointer self) {
  const auto& state = self->state;
  if (self->clock().now() < state.sure_until)
    return std::nullopt;
  return machine_trouble{
    "this server does not know whether it still leads, what is shown may be old",
    state.last_renewal,
    "it could not renew its lease: ask again, and see whether the store's "
    "database answers, and `deploy servers`"};
}

/// Nobody sees what is not stored: what it is decided with may be refused by the store, and the
/// numbers of its events are not given away yet.
caf::result<message_ptr> answer_query(deployminator_pointer self, const caller& who,
                                      const query& asked) {
  auto answered = self->make_response_promise<message_ptr>();
  self->state.queue.read([self, who, asked, answered](const farm& f) mutable {
    auto& state = self->state;
    auto rows = answer(f, state.present, asked, who, state.config.utc_now(),
                       state.config.overcommit_percent);
    if (auto trouble = state.store_trouble ? state.store_trouble : doubt(self); rows && trouble)
      rows->troubles.push_back(*trouble);
    forget_unused_strategies(self, f);
    for (const auto& [strategy, trouble] : state.strategy_troubles)
      if (rows)
        rows->troubles.push_back(trouble);
    if (rows)
      add_silence(self, f, rows->troubles);
    if (rows)
      answered.deliver(message_ptr{std::make_shared<const message>(std::move(*rows))});
    else
      answered.deliver(to_error(rows.error()));
  });
  return answered;
}

/// The store alone has the list.
caf::result<message_ptr> answer_servers(deployminator_pointer self) {
  auto answered = self->make_response_promise<message_ptr>();
  self->request(self->state.config.registrar, store_timeout, atom::servers_v)
    .then(
      [self, answered](const server_rows_ptr& rows) mutable {
        table out;
        out.seq = self->state.queue.farm().last_event;
        out.servers = *rows;
        answered.deliver(message_ptr{std::make_shared<const message>(std::move(out))});
      },
      [answered](const caf::error& e) mutable { answered.deliver(e); });
  return answered;
}

failure no_such_instance(const std::string& id) {
  return {failure_code::not_found, fmt::format("there is no instance {}", id),
          "`deploy instances` lists them"};
}

failure out_of_reach(const std::string& machine) {
  return {failure_code::unreachable, fmt::format("machine {} is out of reach", machine),
          "see `deploy machines`"};
}

/// An instance that the server has forgotten: its machine knows whose it was.
caf::result<message_ptr> read_kept_log(deployminator_pointer self, const caller& who,
                                       const read_log& asked, const envelope_ptr& envelope) {
  const auto& state = self->state;
  if (!state.queue.farm().machines.contains(asked.machine))
    return to_error(no_such_instance(asked.instance));
  const auto* machine_of_it = state.listeners.machine_named(asked.machine);
  if (!machine_of_it)
    return to_error(out_of_reach(asked.machine));
  auto answer = self->make_response_promise<message_ptr>();
  self->request(*machine_of_it, log_timeout, atom::question_v, envelope)
    .then(
      [who, answer, id = asked.instance](const message_ptr& read) mutable {
        const auto* chunk = std::get_if<log_chunk>(read.get());
        if (chunk && chunk->gone && may_see(who, *chunk->gone))
          answer.deliver(read);
        else
          answer.deliver(to_error(no_such_instance(id)));
      },
      [answer](const caf::error& e) mutable { answer.deliver(e); });
  return answer;
}

caf::result<message_ptr> read_output(deployminator_pointer self, const caller& who,
                                     const read_log& asked, const envelope_ptr& envelope) {
  const auto& state = self->state;
  const auto& f = state.queue.farm();
  auto found = f.instances.find(asked.instance);
  if (found == f.instances.end())
    return read_kept_log(self, who, asked, envelope);
  if (!may_see(who, f.groups.at(found->second.group_id).namespace_))
    return to_error(no_such_instance(asked.instance));
  const auto* machine_of_it = state.listeners.machine_named(found->second.machine);
  if (!machine_of_it)
    return to_error(out_of_reach(found->second.machine));
  return self->delegate(*machine_of_it, atom::question_v, envelope);
}

caf::result<message_ptr> search_logs(deployminator_pointer self, const caller& who,
                                     const envelope_ptr& envelope) {
  const auto& state = self->state;
  search_field field{state.listeners.machines(), {}};
  for (const auto& [name, machine] : state.queue.farm().machines)
    if (!field.connected.contains(name))
      field.unreachable.push_back(name);
  auto search = self->spawn(log_search, std::move(field));
  return self->delegate(search, atom::question_v, who, envelope);
}

/// Only the machines are asked that have such instances.
caf::result<message_ptr> measure_usage(deployminator_pointer self, const caller& who,
                                       const measure& asked, const envelope_ptr& envelope) {
  const auto& state = self->state;
  const auto& f = state.queue.farm();
  usage_field field;
  for (const auto& [id, group] : f.groups) {
    bool is_wanted = (asked.namespace_.empty() || group.namespace_ == asked.namespace_)
                     && (asked.group.empty() || group.name == asked.group)
                     && may_see(who, group.namespace_);
    if (!is_wanted)
      continue;
    for (const auto* each : f.instances.of_group(id)) {
      field.visible.insert(each->id);
      if (const auto* machine = state.listeners.machine_named(each->machine))
        field.connected.emplace(each->machine, *machine);
      else
        field.unreachable.insert(each->machine);
    }
  }
  auto round = self->spawn(usage_round, std::move(field));
  return self->delegate(round, atom::question_v, envelope);
}

} // namespace

caf::result<message_ptr> take_question(deployminator_pointer self, const caller& who,
                                       const envelope_ptr& envelope) {
  const auto* asked = std::get_if<query>(&envelope->body);
  if (asked && asked->subject == query_subject::servers)
    return answer_servers(self);
  if (asked)
    return answer_query(self, who, *asked);
  if (const auto* log = std::get_if<read_log>(&envelope->body))
    return read_output(self, who, *log, envelope);
  if (std::holds_alternative<find_logs>(envelope->body))
    return search_logs(self, who, envelope);
  if (const auto* usage = std::get_if<measure>(&envelope->body))
    return measure_usage(self, who, *usage, envelope);
  return to_error({failure_code::internal, "this is no question", ""});
}

} // namespace deployminator::actors
