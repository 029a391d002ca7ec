#include "agent/decisions/reconcile.hpp"

namespace deployminator::agent {

std::vector<spec_ptr> in_order(const spec_map& specs) {
  std::vector<spec_ptr> out;
  for (bool critical : {true, false})
    for (const auto& [id, spec] : specs)
      if (spec->app.critical == critical)
        out.push_back(spec);
  return out;
}

reconciliation reconcile(const spec_map& wanted, const spec_map& existing) {
  reconciliation out;
  for (const auto& spec : in_order(wanted)) {
    auto there = existing.find(spec->id);
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
