#include "agent/decisions/reconcile.hpp"

namespace deployminator::agent {

reconciliation reconcile(const spec_map& wanted, const spec_map& existing) {
  reconciliation out;
  for (const auto& [id, spec] : wanted) {
    auto there = existing.find(id);
    if (there == existing.end())
      out.spawn.push_back(spec);
    else if (there->second->goal != messages::instance_goal::stop && *there->second != *spec)
      out.update.push_back(spec);
  }
  for (const auto& [id, spec] : existing)
    if (!wanted.contains(id) && spec->goal != messages::instance_goal::stop)
      out.stop.push_back(id);
  return out;
}

} // namespace deployminator::agent
