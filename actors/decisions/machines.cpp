#include "actors/decisions/machines.hpp"

#include <fmt/format.h>

#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

constexpr std::size_t machines_named = 8;

} // namespace

result<machine> find_machine(const farm& f, const std::string& name) {
  if (auto found = f.machines.find(name); found != f.machines.end())
    return found->second;
  std::vector<std::string> known;
  for (const auto& [each, row] : f.machines)
    if (known.size() < machines_named)
      known.push_back(each);
  return failure{failure_code::not_found, fmt::format("there is no machine {}", name),
                 known.empty() ? "no agent ever connected"
                               : fmt::format("there are: {}", fmt::join(known, ", "))};
}

machine_state state_within_reach(const farm& f, const machine& row) {
  if (!row.draining)
    return machine_state::ready;
  return f.instances.on_machine(row.name).empty() ? machine_state::drained
                                                  : machine_state::draining;
}

} // namespace deployminator::actors
