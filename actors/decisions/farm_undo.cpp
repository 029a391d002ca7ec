#include "actors/decisions/farm_undo.hpp"

#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// The first note of a key counts: what the row was before all changes.
template <class Rows, class Key, class Table>
void note_row(Rows& rows, const Key& key, const Table& table) {
  if (rows.contains(key))
    return;
  auto found = table.find(key);
  rows.emplace(key, found == table.end() ? std::nullopt : std::optional{found->second});
}

template <class Rows, class Table>
void put_back(Rows& rows, Table& table) {
  for (auto& [key, before] : rows) {
    if (before)
      table.insert_or_assign(key, std::move(*before));
    else
      table.erase(key);
  }
}

} // namespace

void farm_undo::note(const farm& f, const change& c) {
  if (!numbers_)
    numbers_ = numbers{f.last_event, f.last_application};
  for (const auto& each : c.groups)
    note_row(groups_, each.id, f.groups);
  for (const auto& each : c.versions)
    note_row(versions_, each.id, f.versions);
  for (const auto& each : c.gone_versions)
    note_row(versions_, each.id, f.versions);
  for (const auto& each : c.instances)
    note_row(instances_, each.id, f.instances);
  for (const auto& each : c.gone_instances)
    note_row(instances_, each.id, f.instances);
  for (const auto& each : c.machines)
    note_row(machines_, each.name, f.machines);
  for (const auto& name : c.gone_machines)
    note_row(machines_, name, f.machines);
  for (const auto& each : c.rollouts)
    note_row(rollouts_, each.group_id, f.rollouts);
  for (const auto& each : c.finished_rollouts)
    note_row(rollouts_, each.group_id, f.rollouts);
  for (const auto& each : c.receipts)
    note_row(receipts_, each.id, f.receipts);
  for (const auto& each : c.keys)
    note_row(keys_, each.id, f.keys);
}

void farm_undo::undo(farm& f) {
  put_back(groups_, f.groups);
  put_back(versions_, f.versions);
  for (auto& [id, before] : instances_) {
    if (before)
      f.instances.put(std::move(*before));
    else
      f.instances.erase(id);
  }
  put_back(machines_, f.machines);
  put_back(rollouts_, f.rollouts);
  put_back(receipts_, f.receipts);
  put_back(keys_, f.keys);
  if (numbers_) {
    f.last_event = numbers_->last_event;
    f.last_application = numbers_->last_application;
  }
  forget();
}

} // namespace deployminator::actors
