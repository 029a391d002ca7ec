#include "messages/instance_table.hpp"

#include "messages/digest.hpp"

#include <utility>

namespace deployminator::messages {

namespace {

const instance_set no_instances;

bool has_failed(const instance& row) {
  return row.goal == instance_goal::run && row.seen.state == instance_state::failed;
}

} // namespace

instance_table::instance_table(const instance_table& other) : rows_(other.rows_) {
  for (const auto& [id, row] : rows_)
    enter(row);
}

instance_table& instance_table::operator=(const instance_table& other) {
  if (this != &other)
    *this = instance_table{other};
  return *this;
}

const instance_set& instance_table::on_machine(const std::string& machine) const {
  auto found = on_machine_.find(machine);
  return found == on_machine_.end() ? no_instances : found->second.all;
}

const instance_set& instance_table::stopping_on(const std::string& machine) const {
  auto found = on_machine_.find(machine);
  return found == on_machine_.end() ? no_instances : found->second.stopping;
}

std::vector<const instance*> instance_table::changed_on(const std::string& machine,
                                                        std::uint64_t revision) const {
  auto found = on_machine_.find(machine);
  if (found == on_machine_.end())
    return {};
  const auto& wanted = found->second.wanted;
  return {wanted.upper_bound(revision), wanted.end()};
}

machine_load instance_table::load_of(const std::string& machine) const {
  auto found = on_machine_.find(machine);
  return found == on_machine_.end() ? machine_load{} : found->second.load;
}

const instance_set& instance_table::of_group(std::uint64_t group_id) const {
  auto found = of_group_.find(group_id);
  return found == of_group_.end() ? no_instances : found->second;
}

void instance_table::put(instance row) {
  auto known = rows_.find(row.id);
  if (known == rows_.end()) {
    auto id = row.id;
    return enter(rows_.emplace(std::move(id), std::move(row)).first->second);
  }
  auto& old = known->second;
  bool moves = old.machine != row.machine || old.group_id != row.group_id;
  if (moves)
    leave(old);
  else
    discount(old);
  old = std::move(row);
  if (moves)
    enter(old);
  else
    count(old);
}

void instance_table::erase(const std::string& id) {
  auto known = rows_.find(id);
  if (known == rows_.end())
    return;
  leave(known->second);
  rows_.erase(known);
}

void instance_table::count(const instance& row) {
  if (has_failed(row))
    failed_.insert(&row);
  auto& part = on_machine_.at(row.machine);
  if (row.goal == instance_goal::stop) {
    part.stopping.insert(&row);
    return;
  }
  part.wanted.insert(&row);
  ++part.load.instances;
  part.load.memory_mb += row.memory_mb;
  part.load.digest += digest_of_entry(row.id, row.revision);
}

void instance_table::discount(const instance& row) {
  failed_.erase(&row);
  auto& part = on_machine_.at(row.machine);
  if (row.goal == instance_goal::stop) {
    part.stopping.erase(&row);
    return;
  }
  part.wanted.erase(&row);
  --part.load.instances;
  part.load.memory_mb -= row.memory_mb;
  part.load.digest -= digest_of_entry(row.id, row.revision);
}

void instance_table::enter(const instance& row) {
  on_machine_[row.machine].all.insert(&row);
  of_group_[row.group_id].insert(&row);
  count(row);
}

void instance_table::leave(const instance& row) {
  discount(row);
  auto there = on_machine_.find(row.machine);
  there->second.all.erase(&row);
  if (there->second.all.empty())
    on_machine_.erase(there);
  auto group = of_group_.find(row.group_id);
  group->second.erase(&row);
  if (group->second.empty())
    of_group_.erase(group);
}

} // namespace deployminator::messages
