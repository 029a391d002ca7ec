#include "agent/decisions/control_group.hpp"
#include "agent/linux/process_launcher.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

/// How the launcher bounds what an instance uses, and tells what it hits.
namespace deployminator::agent {

void process_launcher::prepare_group(const launch_order& order, instance& i) {
  auto made = groups_.prepare(order.id, order.limits);
  auto& lacking = made.lacking;
  i.groups = std::move(made.directories);
  // As its own user's they are bounded all the same.
  i.bounds_processes = uid_ == 0 && std::erase(lacking, controller::pids) > 0;
  auto unkept = unkept_limits(order.limits, lacking);
  if (!unkept.empty())
    i.remark += fmt::format("{}this machine cannot keep {}: `autodeployer --check` says why",
                            i.remark.empty() ? "" : "; ", unkept);
}

limit_hits process_launcher::new_hits(const std::string& id, instance& i) const {
  auto before = std::exchange(i.counted, groups_.counts(id));
  return hits_between(before, i.counted);
}

void process_launcher::tell_hits(const std::string& id, instance& i) {
  if (!hits_between(i.counted, groups_.counts(id)))
    return;
  auto state = read_state(config_.where.instance(id));
  // How one ended that has ended is told with its end.
  if (!state || state->what != starter::phase::running || i.told.start != state->run)
    return;
  process_event event;
  event.id = id;
  event.what = process_event::kind::limited;
  event.hits = new_hits(id, i);
  if (event.hits)
    events_(event);
}

} // namespace deployminator::agent
