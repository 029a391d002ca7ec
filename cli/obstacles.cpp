#include "cli/obstacles.hpp"

#include "cli/group_name.hpp"
#include "cli/sentence.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::cli {

using namespace messages;
using shown_state = messages::instance_state;

namespace {

using instance_rows = std::vector<instance_row>;

bool is_on_its_way(const instance_row& i) {
  return i.state != shown_state::ready && i.state != shown_state::stopping
         && i.state != shown_state::stopped;
}

std::string with_reason(const instance_row& i) {
  auto state = std::string{to_text(i.state)};
  return i.reason.empty() ? state : state + ": " + i.reason;
}

/// The first instance elsewhere that is not ready. Of a version that takes the place of another one
/// it is one of that: what is old leaves anyway.
const instance_row* first_that_comes(const group_row& g, const instance_rows& instances,
                                     const std::string& machine) {
  auto version = g.rollout ? g.rollout->version : g.deployed_version;
  auto found = std::ranges::find_if(instances, [&](const instance_row& each) {
    return each.machine != machine && each.version == version && is_on_its_way(each);
  });
  return found == instances.end() ? nullptr : &*found;
}

const instance_row* job_on(const instance_rows& instances, const std::string& machine) {
  auto found = std::ranges::find_if(instances, [&](const instance_row& each) {
    return each.machine == machine && each.job && each.state != shown_state::stopped;
  });
  return found == instances.end() ? nullptr : &*found;
}

const instance_row* any_on(const instance_rows& instances, const std::string& machine) {
  auto found = std::ranges::find(instances, machine, &instance_row::machine);
  return found == instances.end() ? nullptr : &*found;
}

bool is_stopping(const rollout_row& r) {
  return r.phase == rollout_phase::stopping_old || r.phase == rollout_phase::stopping_new;
}

} // namespace

obstacle obstacle_of(const group_row& g, const instance_rows& instances,
                     const std::string& machine) {
  obstacle out{g.namespace_, g.group, {}, {}, {}};
  auto about = [&](const instance_row& i, const std::string& reason) {
    out.instance = i.id;
    out.machine = i.machine;
    out.reason = reason;
    return out;
  };
  if (g.rollout && g.rollout->waits_for) {
    out.reason = fmt::format("its rollout waits for `deploy {}`", *g.rollout->waits_for);
    return out;
  }
  if (g.rollout && !g.rollout->reason.empty()) {
    out.reason = g.rollout->reason;
    return out;
  }
  const auto* there = any_on(instances, machine);
  if (g.rollout && is_stopping(*g.rollout) && there)
    return about(*there, fmt::format("to stop ({})", with_reason(*there)));
  if (const auto* comes = first_that_comes(g, instances, machine))
    return about(*comes, fmt::format("to get ready ({})", with_reason(*comes)));
  if (const auto* job = job_on(instances, machine); job && !g.rollout)
    return about(*job, "to end: it is a job");
  out.reason = g.rollout ? phase_text(std::string{to_text(g.rollout->phase)})
                         : fmt::format("nothing on {} could be placed elsewhere so far", machine);
  return out;
}

std::string sentence_of(const obstacle& o) {
  auto group = to_text(group_name{o.namespace_, o.group});
  if (o.instance.empty())
    return fmt::format("{}: {}", group, printable(o.reason));
  return fmt::format("{}: waits for {} on {} {}", group, printable(o.instance),
                     printable(o.machine), printable(o.reason));
}

} // namespace deployminator::cli
