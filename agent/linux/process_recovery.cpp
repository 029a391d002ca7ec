#include "agent/linux/machine_stop.hpp"
#include "agent/linux/process_launcher.hpp"
#include "agent/linux/starter_lock.hpp"

#include <chrono>
#include <set>
#include <unistd.h>
#include <utility>

/// How the launcher of an agent that starts finds what an earlier one left.
namespace deployminator::agent {

using messages::failure_code;
using messages::result;

namespace {

/// A starter whose state is lost has written it again by then, unless it is held up. Nothing else
/// tells of it.
constexpr std::chrono::milliseconds lost_state_timeout{500};

} // namespace

result<std::vector<found_instance>> process_launcher::recover() {
  return loop_.call([this] { return recover_now(); });
}

result<std::vector<found_instance>> process_launcher::recover_now() {
  if (auto working = starters_.check(); !working)
    return working.error();
  auto names = layout_.list();
  if (!names)
    return names.error();
  auto living = find_starters(config_.where.instances());
  std::set<std::string> ids{names->begin(), names->end()};
  for (const auto& [id, each] : living)
    ids.insert(id);
  auto groups = groups_.list();
  std::vector<found_instance> out;
  for (const auto& id : ids) {
    if (!is_instance_id(id))
      continue;
    auto starter = living.extract(id);
    auto found = starter ? adopt(id, std::move(starter.mapped())) : recover_dead(id);
    if (!found)
      return found.error();
    out.push_back(std::move(*found));
    if (instances_.contains(id))
      groups.erase(id);
  }
  // What ran in them is swept up, or there is nothing that knows of it.
  for (const auto& id : groups)
    groups_.remove(id);
  return out;
}

result<found_instance> process_launcher::recover_dead(const std::string& id) {
  auto directory = config_.where.instance(id);
  layout_.discard_half(id);
  auto state = read_state(directory);
  bool is_damaged = !state && access(state_path(directory).c_str(), F_OK) == 0;
  if (is_damaged || (state && state->what != starter::phase::gone)) {
    note_lost_output(id);
    auto uid = state ? state->uid : user_of_files(id);
    auto swept = sweeper_.sweep_up({id, uid, false, config_.where.home(id)});
    if (!swept && swept.error().code != failure_code::refused)
      return swept.error();
    reserved_.free_user(uid);
  }
  if (!state) {
    found_instance found;
    found.id = id;
    return found;
  }
  auto found = found_dead(id, *state);
  found.hits = hits_between({}, groups_.counts(id));
  found.earlier_boot = layout_.is_of_earlier_boot(id);
  if (was_stopped_with_machine(directory))
    found.interruption = "was stopped with all instances of its machine";
  else if (!found.exit && found.earlier_boot)
    found.interruption = "its machine went down";
  return found;
}

/// As whom the instance ran, by its files; -1: as the agent's own user, or it has none.
std::int64_t process_launcher::user_of_files(const std::string& id) const {
  auto owner = layout_.owner(id);
  return uid_ == 0 && owner >= reservations::first_uid ? owner : -1;
}

/// An instance whose state cannot be read is taken for one that is just being started, until its
/// starter has restored it.
result<found_instance> process_launcher::adopt(const std::string& id, living_starter found) {
  auto directory = config_.where.instance(id);
  layout_.discard_half(id);
  if (!is_locked(directory))
    ask_to_restore(found.process, directory);
  auto& i = instances_[id];
  i.starter = std::move(found.process);
  if (auto watched = starters_.watch_state(id, directory); !watched)
    return watched.error();
  starters_.watch_end(id, i.starter.handle);
  auto state = state_of(i.starter, directory, lost_state_timeout, &i.said);
  forget_stop_with_machine(directory);
  i.shown = state.has_value();
  auto uid = state ? state->uid : found.uid;
  if (state)
    found.ports.assign(state->ports, state->ports + state->port_count);
  take_grant(i, {uid < 0 ? uid_ : uid, std::move(found.ports)}, uid >= 0);
  found_instance out;
  out.id = id;
  out.starting = true;
  if (state) {
    i.told = told_by(*state);
    out = found_alive(id, *state);
    i.counted = groups_.counts(id);
    out.hits = hits_between({}, i.counted);
    out.said = i.said;
  }
  out.granted = i.granted;
  return out;
}

/// What a starter that was found holds.
void process_launcher::take_grant(instance& i, grant granted, bool has_user) {
  i.granted = std::move(granted);
  i.has_grant = true;
  for (auto port : i.granted.ports)
    reserved_.note_port(port);
  if (has_user)
    reserved_.note_user(i.granted.uid);
}

} // namespace deployminator::agent
