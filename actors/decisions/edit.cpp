#include "actors/decisions/edit.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

template <class Key, class Row, class Map>
Row& row_to_edit(std::map<Key, std::optional<Row>>& edited, const Map& before, const Key& key) {
  auto found = edited.find(key);
  if (found == edited.end() || !found->second)
    found = edited.insert_or_assign(key, before.at(key)).first;
  return *found->second;
}

template <class Key, class Row>
void write(std::map<Key, std::optional<Row>>& edited, std::vector<Row>& rows) {
  for (auto& [key, row] : edited)
    if (row)
      rows.push_back(std::move(*row));
}

template <class Rows, class Edited>
std::uint64_t next_id(const Rows& rows, const Edited& edited) {
  std::uint64_t last = rows.empty() ? 0 : rows.rbegin()->first;
  return std::max(last, edited.empty() ? 0 : edited.rbegin()->first) + 1;
}

} // namespace

const application* application_of(const version& v, const std::string& name) {
  auto found = std::find_if(v.applications.begin(), v.applications.end(),
                            [&](const application& each) { return each.name == name; });
  return found == v.applications.end() ? nullptr : &*found;
}

edit::edit(const farm& before, const moment& m)
  : before_(before), at_(m), last_application_(before.last_application) {}

group& edit::group(std::uint64_t id) {
  return row_to_edit(groups_, before_.groups, id);
}

version& edit::version(std::uint64_t id) {
  return row_to_edit(versions_, before_.versions, id);
}

instance& edit::instance(const std::string& id) {
  return row_to_edit(instances_, before_.instances, id);
}

machine& edit::machine(const std::string& name) {
  return row_to_edit(machines_, before_.machines, name);
}

rollout& edit::rollout(std::uint64_t group_id) {
  return row_to_edit(rollouts_, before_.rollouts, group_id);
}

void edit::renew(const std::string& instance_id) {
  instance(instance_id);
  renewed_.insert(instance_id);
}

group& edit::put(messages::group row) {
  auto id = row.id;
  return *groups_.insert_or_assign(id, std::move(row)).first->second;
}

version& edit::put(messages::version row) {
  auto id = row.id;
  return *versions_.insert_or_assign(id, std::move(row)).first->second;
}

instance& edit::put(messages::instance row) {
  auto id = row.id;
  return *instances_.insert_or_assign(std::move(id), std::move(row)).first->second;
}

machine& edit::put(messages::machine row) {
  auto name = row.name;
  return *machines_.insert_or_assign(std::move(name), std::move(row)).first->second;
}

rollout& edit::put(messages::rollout row) {
  auto id = row.group_id;
  return *rollouts_.insert_or_assign(id, std::move(row)).first->second;
}

void edit::put(receipt row) {
  auto id = row.id;
  receipts_.insert_or_assign(std::move(id), std::move(row));
}

void edit::put(access_key row) {
  rest_.keys.push_back(std::move(row));
}

void edit::note_done(const messages::rollout& r, std::string what) {
  done_at_once_.push_back({r.id, rollout_outcome::succeeded, at_.now, std::move(what)});
}

void edit::forget(gone_version gone) {
  rest_.gone_versions.push_back(std::move(gone));
}

void edit::erase_instance(const std::string& id) {
  instances_.insert_or_assign(id, std::nullopt);
  rest_.gone_instances.push_back({id, before_.instances.at(id).group_id});
}

void edit::forget(const messages::machine& gone) {
  machines_.insert_or_assign(gone.name, std::nullopt);
  rest_.gone_machines.push_back(gone.name);
  auto from = gone.lost ? machine_state::unreachable : machine_state::ready;
  tell(machine_change{gone.name, from, machine_state::unreachable, "it is forgotten"});
}

void edit::end_rollout(const messages::rollout& r, rollout_outcome outcome, std::string reason,
                       std::uint64_t left) {
  rollouts_.insert_or_assign(r.group_id, std::nullopt);
  rest_.finished_rollouts.push_back({r.group_id, outcome, r.order_id.empty()});
  note_end(r, outcome, reason);
  tell(before_.groups.at(r.group_id), r.to,
       rollout_finished{outcome, std::move(reason), r.id, left});
}

/// Notes it with the order that asked for it.
void edit::note_end(const messages::rollout& r, rollout_outcome outcome,
                    const std::string& reason) {
  auto known = before_.receipts.find(r.order_id);
  if (known == before_.receipts.end())
    return;
  auto& kept = receipts_.emplace(r.order_id, known->second).first->second;
  kept.ends.push_back({r.id, outcome, at_.now, reason});
}

void edit::tell(const messages::group& about, std::uint64_t version, event::content what) {
  rest_.events.push_back({0, at_.now, about.namespace_, about.name, version, std::move(what)});
}

void edit::tell(event::content what) {
  rest_.events.push_back({0, at_.now, {}, {}, 0, std::move(what)});
}

std::uint64_t edit::new_group_id() const {
  return next_id(before_.groups, groups_);
}

std::uint64_t edit::new_version_id() const {
  return next_id(before_.versions, versions_);
}

std::uint64_t edit::new_key_id() const {
  return before_.keys.empty() ? 1 : before_.keys.rbegin()->first + 1;
}

std::uint64_t edit::new_application_id() {
  return ++last_application_;
}

std::string edit::new_instance_id(const std::string& application) const {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string out;
  for (char each : application.substr(application.find_last_of('/') + 1).substr(0, 24)) {
    auto c = static_cast<unsigned char>(each);
    out += std::isalnum(c) ? static_cast<char>(std::tolower(c)) : '-';
  }
  out += '-';
  auto bits = at_.random();
  for (int i = 0; i < 8; ++i, bits >>= 5)
    out += digits[bits & 31];
  return out;
}

/// Raises the machine's generation, once, and notes it with the instance.
void edit::note_revision(messages::instance& row, std::map<std::string, std::uint64_t>& raised) {
  auto known = raised.find(row.machine);
  if (known == raised.end()) {
    auto edited = machines_.find(row.machine);
    bool exists = edited != machines_.end() ? edited->second.has_value()
                                            : before_.machines.contains(row.machine);
    auto generation = exists ? ++machine(row.machine).generation : 0;
    known = raised.emplace(row.machine, generation).first;
  }
  row.revision = known->second;
}

/// Has the instances of the applications whose hash is known since edited: their agents are told.
void edit::note_pinned(const messages::version& after) {
  auto known = before_.versions.find(after.id);
  if (known == before_.versions.end())
    return;
  for (const auto& app : after.applications) {
    const auto* old = application_of(known->second, app.name);
    if (!old || old->sha256 == app.sha256)
      continue;
    for (const auto* each : before_.instances.of_group(after.group_id))
      if (each->version_id == after.id && each->application == app.name
          && each->goal != instance_goal::stop && !instances_.contains(each->id))
        instance(each->id);
  }
}

/// Whether the row's agent is to be told something else of it than before.
bool edit::changes_assignment(const messages::instance& row) const {
  auto known = before_.instances.find(row.id);
  if (known == before_.instances.end() || known->second.goal != row.goal
      || known->second.version_id != row.version_id || renewed_.contains(row.id))
    return true;
  auto edited = versions_.find(row.version_id);
  auto version_before = before_.versions.find(row.version_id);
  if (edited == versions_.end() || version_before == before_.versions.end()
      || row.goal == instance_goal::stop)
    return false;
  const auto* now = application_of(*edited->second, row.application);
  const auto* then = application_of(version_before->second, row.application);
  return now && then && now->sha256 != then->sha256;
}

/// Tells of the machines that drain and of whose instances the last one goes.
void edit::note_drained() {
  std::set<std::string> emptier;
  for (const auto& [id, row] : instances_)
    if (!row && before_.instances.contains(id))
      emptier.insert(before_.instances.at(id).machine);
  for (const auto& name : emptier) {
    auto edited = machines_.find(name);
    auto known = before_.machines.find(name);
    bool is_gone = edited != machines_.end() && !edited->second;
    if (is_gone || (edited == machines_.end() && known == before_.machines.end()))
      continue;
    const auto& row = edited != machines_.end() ? *edited->second : known->second;
    auto stays = [&](const messages::instance* each) {
      auto changed = instances_.find(each->id);
      return changed == instances_.end() || changed->second;
    };
    const auto& on_it = before_.instances.on_machine(name);
    bool comes = std::ranges::any_of(
      instances_, [&](const auto& each) { return each.second && each.second->machine == name; });
    if (row.draining && !row.lost && !comes && std::none_of(on_it.begin(), on_it.end(), stays))
      tell(machine_change{name, machine_state::draining, machine_state::drained,
                          "its last instance is gone"});
  }
}

change edit::done() && {
  note_drained();
  for (const auto& [id, row] : versions_)
    if (row)
      note_pinned(*row);
  std::map<std::string, std::uint64_t> raised;
  for (auto& [id, row] : instances_)
    if (row && changes_assignment(*row))
      note_revision(*row, raised);
  write(groups_, rest_.groups);
  write(versions_, rest_.versions);
  write(instances_, rest_.instances);
  write(machines_, rest_.machines);
  write(rollouts_, rest_.rollouts);
  for (auto& [id, row] : receipts_)
    rest_.receipts.push_back(std::move(row));
  // Another one has taken its place.
  std::erase_if(rest_.finished_rollouts, [&](const finished_rollout& each) {
    return rollouts_.at(each.group_id).has_value();
  });
  return std::move(rest_);
}

} // namespace deployminator::actors
