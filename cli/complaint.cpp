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

/// What keeps the instance from being ready and what to do, or nothing.
std::string complaint_of(const group_name& group, const instance_row& i) {
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
        return {};
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
  return g.ready < g.wanted || g.rollout || g.failure;
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
