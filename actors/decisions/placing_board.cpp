#include "actors/decisions/placing_board.hpp"

#include "messages/digest.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace deployminator::actors {

namespace {

using cell = placing_board::cell;

/// Of 2^64: a product with it has the differences of all bits in its upper ones (Fibonacci
/// hashing).
constexpr std::uint64_t golden_ratio = 0x9E3779B97F4A7C15;

bool comes_before(const cell& each, std::uint32_t machine) {
  return each.machine < machine;
}

template <class T>
std::vector<const T*> by_name(const std::vector<T>& all) {
  std::vector<const T*> out;
  out.reserve(all.size());
  for (const auto& each : all)
    out.push_back(&each);
  std::sort(out.begin(), out.end(), [](const T* a, const T* b) { return a->name < b->name; });
  return out;
}

bool shares_one(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) != a.end();
}

/// Applications that have instances and are not wanted: by name, each once.
std::vector<wanted_application> unwanted_of(const std::vector<wanted_application>& wanted,
                                            const std::vector<standing_count>& current,
                                            const std::vector<standing_count>& pending) {
  std::unordered_set<std::string_view> known;
  for (const auto& each : wanted)
    known.insert(each.name);
  std::vector<wanted_application> out;
  for (const auto* counts : {&current, &pending})
    for (const auto& each : *counts)
      if (known.insert(each.application).second)
        out.push_back(
          {.name = each.application, .count = 0, .machine_groups = {}, .machine_names = {}});
  return out;
}

} // namespace

bool may_have(const placing_machine& machine, const wanted_application& app) {
  if (app.machine_names.empty())
    return shares_one(machine.groups, app.machine_groups);
  return std::find(app.machine_names.begin(), app.machine_names.end(), machine.name)
         != app.machine_names.end();
}

std::uint64_t placing_board::row::on(std::uint32_t machine) const {
  auto found = std::lower_bound(cells.begin(), cells.end(), machine, comes_before);
  return found == cells.end() || found->machine != machine ? 0 : found->now;
}

void placing_board::row::add(std::uint32_t machine, std::int64_t count) {
  auto found = std::lower_bound(cells.begin(), cells.end(), machine, comes_before);
  if (found == cells.end() || found->machine != machine)
    found = cells.insert(found, {machine});
  found->now += static_cast<std::uint64_t>(count);
  placed += static_cast<std::uint64_t>(count);
}

placing_board::placing_board(const std::vector<wanted_application>& wanted,
                             const std::vector<placing_machine>& machines,
                             const std::vector<standing_count>& current,
                             const std::vector<standing_count>& pending,
                             const placement_rules& asked)
  : rules(asked), unwanted_(unwanted_of(wanted, current, pending)) {
  for (const auto* each : by_name(machines)) {
    auto& added = columns.emplace_back();
    added.asked = each;
    added.instances = each->other_instances;
    added.memory = each->other_memory_mb;
    added.capacity = most_promised_mb(each->memory_mb, rules.overcommit_percent);
  }
  auto all = by_name(wanted);
  for (const auto& each : unwanted_)
    all.push_back(&each);
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->name < b->name; });
  rows.reserve(all.size());
  for (const auto* each : all) {
    auto& added = rows.emplace_back();
    added.asked = each;
    added.at_most = each->at_most ? each->at_most : no_limit;
    added.size = each->memory_mb;
    added.area = area_for(*each);
    added.start = messages::text_digest{}.add(each->name).value() * golden_ratio >> 32;
    added.wanted = each->count;
    if (each->per_machine) {
      added.at_most = std::min(added.at_most, each->count);
      added.wanted = added.at_most * areas[added.area].open.size();
    }
  }
  read(current, false);
  read(pending, true);
  for (auto& each : rows)
    settle_what_is_there(each);
  for (auto& each : areas)
    for (std::uint32_t i = 0; i < each.open.size(); ++i)
      each.loads.set(i, columns[each.open[i]].instances);
}

std::size_t placing_board::area_for(const wanted_application& app) {
  std::pair key{app.machine_groups, app.machine_names};
  std::sort(key.first.begin(), key.first.end());
  std::sort(key.second.begin(), key.second.end());
  auto at = std::lower_bound(known_areas_.begin(), known_areas_.end(), key,
                             [](const auto& each, const auto& k) { return each.first < k; });
  if (at != known_areas_.end() && at->first == key)
    return at->second;
  auto number = areas.size();
  known_areas_.insert(at, {std::move(key), number});
  auto& added = areas.emplace_back();
  added.legal.resize(columns.size());
  for (std::uint32_t m = 0; m < columns.size(); ++m) {
    const auto& machine = *columns[m].asked;
    added.legal[m] = machine.use != machine_use::leaving && may_have(machine, app);
    if (!added.legal[m] || machine.use != machine_use::open)
      continue;
    columns[m].places.emplace_back(number, static_cast<std::uint32_t>(added.open.size()));
    added.open.push_back(m);
  }
  added.loads = least_loaded{added.open.size()};
  return number;
}

void placing_board::read(const std::vector<standing_count>& counts, bool are_pending) {
  std::unordered_map<std::string_view, std::uint32_t> machine_numbers;
  for (std::uint32_t m = 0; m < columns.size(); ++m)
    machine_numbers.emplace(columns[m].asked->name, m);
  std::unordered_map<std::string_view, row*> row_of;
  for (auto& each : rows)
    row_of.emplace(each.asked->name, &each);
  const std::string* last = nullptr;
  row* app = nullptr;
  for (const auto& each : counts) {
    auto machine = machine_numbers.find(each.machine);
    if (machine == machine_numbers.end() || each.count == 0)
      continue;
    if (!last || *last != each.application)
      app = row_of.at(each.application);
    last = &each.application;
    app->cells.push_back({machine->second, each.count, 0, are_pending ? each.count : 0});
  }
}

/// Counts what may stay where it is.
void placing_board::settle_what_is_there(row& app) {
  auto earlier = [](const cell& a, const cell& b) { return a.machine < b.machine; };
  if (!std::is_sorted(app.cells.begin(), app.cells.end(), earlier))
    std::sort(app.cells.begin(), app.cells.end(), earlier);
  std::vector<cell> merged;
  for (const auto& each : app.cells)
    if (!merged.empty() && merged.back().machine == each.machine) {
      merged.back().before += each.before;
      merged.back().pending += each.pending;
    } else {
      merged.push_back(each);
    }
  app.cells = std::move(merged);
  const auto& legal = areas[app.area].legal;
  for (auto& each : app.cells) {
    each.now = legal[each.machine] ? std::min(each.before, app.at_most) : 0;
    // Those on a machine out of reach come on top of what is wanted on each machine.
    if (app.asked->per_machine && columns[each.machine].asked->use == machine_use::closed)
      app.wanted += each.now;
    app.placed += each.now;
    columns[each.machine].instances += each.now;
    columns[each.machine].memory += each.now * app.size;
  }
}

std::uint64_t placing_board::missing() const {
  std::uint64_t out = 0;
  for (const auto& each : rows)
    out += each.missing();
  return out;
}

void placing_board::put(row& app, std::uint32_t machine, std::int64_t count) {
  app.add(machine, count);
  auto& to = columns[machine];
  to.instances += static_cast<std::uint64_t>(count);
  to.memory += static_cast<std::uint64_t>(count) * app.size;
  for (const auto& [number, place] : to.places)
    areas[number].loads.set(place, to.instances);
}

} // namespace deployminator::actors
