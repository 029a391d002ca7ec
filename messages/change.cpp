#include "messages/change.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <vector>

namespace deployminator::messages {

namespace {

/// The last content of each row by its key, and what is gone in the end.
template <class Key, class Row, class Gone>
class last_rows {
public:
  last_rows(Key Row::*key, Key Gone::*gone_key) : key_(key), gone_key_(gone_key) {}

  void take(std::vector<Row>& rows, const std::vector<Gone>& gone) {
    for (auto& each : rows) {
      auto key = each.*key_;
      gone_.erase(key);
      rows_.insert_or_assign(std::move(key), std::move(each));
    }
    for (const auto& each : gone) {
      rows_.erase(each.*gone_key_);
      gone_.insert_or_assign(each.*gone_key_, each);
    }
  }

  void write(std::vector<Row>& rows, std::vector<Gone>& gone) {
    for (auto& [key, each] : rows_)
      rows.push_back(std::move(each));
    for (auto& [key, each] : gone_)
      gone.push_back(std::move(each));
  }

private:
  Key Row::*key_;
  Key Gone::*gone_key_;
  std::map<Key, Row> rows_;
  std::map<Key, Gone> gone_;
};

template <class Key, class Row>
void put(std::map<Key, Row>& last, std::vector<Row>& rows, Key Row::*key) {
  for (auto& each : rows) {
    auto k = each.*key;
    last.insert_or_assign(std::move(k), std::move(each));
  }
}

template <class Key, class Row>
void write(std::map<Key, Row>& last, std::vector<Row>& rows) {
  for (auto& [key, each] : last)
    rows.push_back(std::move(each));
}

/// Seldom, and then many: it looks at all of them.
void drop_old_receipts(farm& f) {
  if (f.receipts.size() < kept_receipts + kept_receipts / 10)
    return;
  std::vector<std::uint64_t> seqs;
  for (const auto& [id, each] : f.receipts)
    seqs.push_back(each.seq);
  auto oldest_kept = seqs.end() - static_cast<std::ptrdiff_t>(kept_receipts);
  std::nth_element(seqs.begin(), oldest_kept, seqs.end());
  std::erase_if(f.receipts, [&](const auto& each) { return each.second.seq < *oldest_kept; });
}

} // namespace

bool is_empty(const change& c) {
  return c == change{};
}

void apply(farm& f, const change& c) {
  for (const auto& each : c.groups)
    f.groups[each.id] = each;
  for (const auto& each : c.versions) {
    f.versions[each.id] = each;
    for (const auto& app : each.applications)
      f.last_application = std::max(f.last_application, app.id);
  }
  for (const auto& each : c.instances)
    f.instances.put(each);
  for (const auto& each : c.gone_instances)
    f.instances.erase(each.id);
  for (const auto& each : c.machines)
    f.machines[each.name] = each;
  for (const auto& name : c.gone_machines)
    f.machines.erase(name);
  for (const auto& each : c.rollouts)
    f.rollouts[each.group_id] = each;
  for (const auto& each : c.finished_rollouts)
    f.rollouts.erase(each.group_id);
  for (const auto& each : c.gone_versions)
    f.versions.erase(each.id);
  for (const auto& each : c.receipts)
    f.receipts[each.id] = each;
  drop_old_receipts(f);
  for (const auto& each : c.keys)
    f.keys[each.id] = each;
  f.last_event += c.events.size();
}

change sum_of(std::vector<change> parts) {
  if (parts.size() == 1)
    return std::move(parts.front());
  last_rows<std::string, instance, gone_instance> instances{&instance::id, &gone_instance::id};
  last_rows<std::uint64_t, rollout, finished_rollout> rollouts{&rollout::group_id,
                                                               &finished_rollout::group_id};
  last_rows<std::uint64_t, version, gone_version> versions{&version::id, &gone_version::id};
  std::map<std::uint64_t, group> groups;
  std::map<std::string, machine> machines;
  std::set<std::string> gone_machines;
  std::map<std::uint64_t, access_key> keys;
  change out;
  for (auto& each : parts) {
    instances.take(each.instances, each.gone_instances);
    versions.take(each.versions, each.gone_versions);
    rollouts.take(each.rollouts, each.finished_rollouts);
    put(groups, each.groups, &group::id);
    for (const auto& row : each.machines)
      gone_machines.erase(row.name);
    put(machines, each.machines, &machine::name);
    for (const auto& name : each.gone_machines) {
      machines.erase(name);
      gone_machines.insert(name);
    }
    put(keys, each.keys, &access_key::id);
    std::move(each.receipts.begin(), each.receipts.end(), std::back_inserter(out.receipts));
    std::move(each.events.begin(), each.events.end(), std::back_inserter(out.events));
  }
  versions.write(out.versions, out.gone_versions);
  instances.write(out.instances, out.gone_instances);
  rollouts.write(out.rollouts, out.finished_rollouts);
  write(groups, out.groups);
  write(machines, out.machines);
  out.gone_machines.assign(gone_machines.begin(), gone_machines.end());
  write(keys, out.keys);
  return out;
}

} // namespace deployminator::messages
