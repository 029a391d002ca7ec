#include "actors/decisions/pinned.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::actors {

messages::result<placement> place_pinned(const placement_request& request) {
  auto out = place_spread(request);
  if (out && !out->is_short)
    out->reason = fmt::format("{} named", fmt::join(request.app.machine_groups, ", "));
  return out;
}

bool may_be_on(const std::string& machine, const std::vector<std::string>& groups,
               const messages::application& app) {
  const auto& named = app.machine_groups;
  if (app.strategy == "pinned")
    return std::find(named.begin(), named.end(), machine) != named.end();
  return std::find_first_of(groups.begin(), groups.end(), named.begin(), named.end())
         != groups.end();
}

} // namespace deployminator::actors
