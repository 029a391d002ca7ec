#include "actors/listeners.hpp"

#include "actors/decisions/rollout_change.hpp"
#include "actors/decisions/turns.hpp"
#include "actors/rollout.hpp"

#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

group_ids_ptr shared(std::vector<std::uint64_t> groups) {
  return std::make_shared<const std::vector<std::uint64_t>>(std::move(groups));
}

} // namespace

void listeners::set_upkeep(upkeep_actor upkeep) {
  upkeep_ = std::move(upkeep);
}

void listeners::set_doorkeeper(speaker self, const farm& f, doorkeeper_actor doorkeeper) {
  doorkeeper_ = std::move(doorkeeper);
  tell_keys(self, f);
}

void listeners::tell_keys(speaker self, const farm& f) {
  if (doorkeeper_)
    self->send(doorkeeper_, atom::trust_v, std::make_shared<const decltype(f.keys)>(f.keys));
}

void listeners::add_machine(const std::string& name, machine_actor actor,
                            std::uint64_t generation) {
  machines_[name] = {std::move(actor), generation};
}

void listeners::drop_machine(const std::string& name) {
  machines_.erase(name);
}

void listeners::machine_was_told(const std::string& name, std::uint64_t generation) {
  if (auto known = machines_.find(name); known != machines_.end())
    known->second.generation = generation;
}

const machine_actor* listeners::machine_named(const std::string& name) const {
  auto known = machines_.find(name);
  return known == machines_.end() ? nullptr : &known->second.actor;
}

std::map<std::string, machine_actor> listeners::machines() const {
  std::map<std::string, machine_actor> out;
  for (const auto& [name, known] : machines_)
    out.emplace(name, known.actor);
  return out;
}

void listeners::tell_machine(speaker self, const farm& f, const std::string& name) {
  auto known = machines_.find(name);
  if (known == machines_.end())
    return;
  auto& machine = known->second;
  auto row = f.machines.find(name);
  if (row == f.machines.end())
    return;
  auto generation = row->second.generation;
  if (generation == machine.generation)
    return;
  self->send(machine.actor, atom::assign_v,
             assignment_difference_ptr{std::make_shared<const assignment_difference>(
               assignment_since(f, name, machine.generation))});
  machine.generation = generation;
}

listeners::running_rollout& listeners::rollout_of(speaker self, std::uint64_t group_id) {
  auto known = rollouts_.find(group_id);
  if (known == rollouts_.end()) {
    auto actor = self->spawn<caf::monitored>(rollout, group_id, deployminator_actor{self});
    known = rollouts_.emplace(group_id, running_rollout{std::move(actor)}).first;
  }
  return known->second;
}

void listeners::end_rollout(speaker self, std::uint64_t group_id) {
  auto known = rollouts_.find(group_id);
  if (known == rollouts_.end())
    return;
  self->send_exit(known->second.actor, caf::exit_reason::user_shutdown);
  rollouts_.erase(known);
}

/// The actor comes and goes with the rollout. Another rollout of the group is told as a whole.
void listeners::tell_rollout(speaker self, const farm& f, const presence& machines,
                             std::uint64_t group_id) {
  auto row = f.rollouts.find(group_id);
  if (row == f.rollouts.end())
    return end_rollout(self, group_id);
  auto& running = rollout_of(self, group_id);
  if (running.id != row->second.id)
    running.news = {true, members_of(row->second)};
  running.id = row->second.id;
  bool nothing_new = !running.news.row && running.news.instances.empty();
  if (running.thinks || nothing_new)
    return;
  auto news = std::exchange(running.news, {});
  self->send(running.actor, atom::update_v,
             rollout_news_ptr{std::make_shared<const rollout_news>(
               news_for(f, machines, group_id, news.instances, news.row))});
  running.thinks = true;
}

void listeners::tell(speaker self, const farm& f, const presence& machines, const change& c) {
  if (!c.keys.empty())
    tell_keys(self, f);
  auto follows = consequences_of(f, c);
  for (const auto& name : follows.machines)
    tell_machine(self, f, name);
  for (auto& [group_id, each] : follows.rollouts) {
    auto& news = rollout_of(self, group_id).news;
    news.row |= each.row;
    news.instances.merge(each.instances);
    tell_rollout(self, f, machines, group_id);
  }
  if (!c.rollouts.empty() || !c.finished_rollouts.empty())
    tell_next_moves(self, f, machines);
  for (const auto& each : follows.occasions)
    want_upkeep(self, f, each);
  for (const auto& each : follows.finished) {
    end_rollout(self, each.group_id);
    if (each.is_upkeep && each.outcome != rollout_outcome::succeeded)
      self->send(upkeep_, atom::upkeep_v, each.group_id);
    else
      self->send(upkeep_, atom::upkeep_v, shared({each.group_id}),
                 std::string{"its rollout has ended"});
  }
}

/// Whose turn has come looks again.
void listeners::tell_next_moves(speaker self, const farm& f, const presence& machines) {
  for (auto group_id : groups_to_begin(f)) {
    rollout_of(self, group_id).news.row = true;
    tell_rollout(self, f, machines, group_id);
  }
}

void listeners::tell_all_anew(speaker self, const farm& f, const presence& machines) {
  tell_keys(self, f);
  for (const auto& [name, each] : machines_)
    tell_machine(self, f, name);
  std::set<std::uint64_t> groups;
  for (auto& [group_id, running] : rollouts_) {
    running.id = 0;
    running.thinks = false;
    groups.insert(group_id);
  }
  for (const auto& [group_id, each] : f.rollouts)
    groups.insert(group_id);
  for (auto group_id : groups)
    tell_rollout(self, f, machines, group_id);
  if (upkeep_)
    want_upkeep(self, f, "the store could not be reached for a while");
}

void listeners::tell_rollouts_on(speaker self, const farm& f, const presence& machines,
                                 const std::string& machine) {
  std::set<std::uint64_t> groups;
  for (const auto* each : f.instances.on_machine(machine))
    if (auto running = rollouts_.find(each->group_id); running != rollouts_.end()) {
      running->second.news.instances.insert(each->id);
      groups.insert(each->group_id);
    }
  for (auto group_id : groups)
    tell_rollout(self, f, machines, group_id);
}

void listeners::want_upkeep(speaker self, const farm& f, const std::string& occasion) {
  std::vector<std::uint64_t> groups;
  for (const auto& [group_id, each] : f.groups)
    if (each.deployed_version != 0)
      groups.push_back(group_id);
  if (!groups.empty())
    self->send(upkeep_, atom::upkeep_v, shared(std::move(groups)), occasion);
}

bool listeners::rollout_thinks(std::uint64_t group_id) {
  auto known = rollouts_.find(group_id);
  if (known == rollouts_.end())
    return false;
  known->second.thinks = true;
  return true;
}

void listeners::rollout_has_thought(speaker self, const farm& f, const presence& machines,
                                    std::uint64_t group_id) {
  auto known = rollouts_.find(group_id);
  if (known == rollouts_.end())
    return;
  known->second.thinks = false;
  tell_rollout(self, f, machines, group_id);
}

} // namespace deployminator::actors
