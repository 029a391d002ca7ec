#include "messages/instance_table.hpp"

#include <utility>

namespace deployminator::messages {

namespace {

const instance_set no_instances;

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
  if (row.goal == instance_goal::stop)
    return;
  auto& load = on_machine_.at(row.machine).load;
  ++load.instances;
  load.memory_mb += row.memory_mb;
}

void instance_table::discount(const instance& row) {
  if (row.goal == instance_goal::stop)
    return;
  auto& load = on_machine_.at(row.machine).load;
  --load.instances;
  load.memory_mb -= row.memory_mb;
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
