#include "cli/complaint.hpp"

#include "cli/group_name.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::cli {

using namespace messages;
using shown_state = messages::instance_state;

namespace {

/// Instances of a group that are told of one by one.
constexpr std::size_t most_told = 3;

std::string logs_of(const instance_row& i) {
  return "its log: deploy logs " + printable(i.id);
}

/// Of one that may be ready by chance.
std::string restarting_text(const instance_row& i) {
  auto exit = i.exit ? fmt::format(", and ended last with {}", *i.exit) : std::string{};
  bool is_ready = i.state == shown_state::ready;
  auto reason = is_ready || i.reason.empty() ? std::string{} : ": " + printable(i.reason);
  return fmt::format("is {}{}, but was restarted 3 times or more within 10 minutes{}; {}",
                     to_text(i.state), reason, exit, logs_of(i));
}

/// What keeps the instance from being ready and what to do, or nothing.
std::string complaint_of(const group_name& group, const instance_row& i) {
  bool may_run = i.state == shown_state::starting || i.state == shown_state::running
                 || i.state == shown_state::ready;
  if (i.restarting && may_run)
    return restarting_text(i);
  auto reason = i.reason.empty() ? std::string{} : ": " + printable(i.reason);
  switch (i.state) {
    case shown_state::lost:
      return "is lost" + reason + "; see deploy machines";
    case shown_state::failed:
      return "failed" + reason + (i.exit ? "; " + logs_of(i) : "");
    case shown_state::downloading:
      return fmt::format("is downloading{}; how far it is: deploy watch {}", reason,
                         to_text(group));
    case shown_state::starting:
    case shown_state::running:
      if (i.restarts == 0)
        return i.reason.empty() ? "" : fmt::format("is {}{}", to_text(i.state), reason);
      return fmt::format("is {}{}, after {}; {}", to_text(i.state), reason,
                         counted(i.restarts, "restart"), logs_of(i));
    case shown_state::preparing:
    case shown_state::ready:
    case shown_state::stopping:
    case shown_state::stopped:
      break;
  }
  return {};
}

} // namespace

bool is_ailing(const group_row& g) {
  return g.ready < g.wanted || g.restarting > 0 || g.rollout || g.failure;
}

std::vector<std::string> shortcomings_of(const group_row& g) {
  auto name = to_text(group_name{g.namespace_, g.group});
  std::vector<std::string> out;
  if (g.ready < g.wanted)
    out.push_back(
      fmt::format("{}: {} of {} ready", name, g.ready, counted(g.wanted, "wanted instance")));
  if (g.restarting > 0)
    out.push_back(fmt::format("{}: {} restarted 3 times or more within 10 minutes: deploy "
                              "instances {}",
                              name, counted(g.restarting, "instance"), name));
  return out;
}

std::vector<std::string> complaints_of(const group_row& g,
                                       const std::vector<instance_row>& instances) {
  group_name name{g.namespace_, g.group};
  std::vector<std::string> out;
  std::size_t more = 0;
  for (const auto& each : instances) {
    auto complaint = complaint_of(name, each);
    if (complaint.empty())
      continue;
    if (out.size() == most_told)
      ++more;
    else
      out.push_back(fmt::format("{}: {} on {} {}", to_text(name), printable(each.id),
                                printable(each.machine), complaint));
  }
  if (more > 0)
    out.push_back(fmt::format("{}: {} more like these: deploy instances {}", to_text(name), more,
                              to_text(name)));
  if (g.failure && !g.rollout)
    out.push_back(fmt::format("{}: what version {} printed: deploy logs {} --all -n 50; what "
                              "happened: deploy history {}",
                              to_text(name), g.failure->version, to_text(name), to_text(name)));
  return out;
}

} // namespace deployminator::cli
