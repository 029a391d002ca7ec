#include "actors/decisions/log_gathering.hpp"

#include "actors/decisions/access.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

/// Their names and words stay well below the megabyte that a message may have.
constexpr std::size_t most_logs = 1'000;
constexpr std::size_t longest_reason = 300;

bool is_newer(const kept_log& a, const kept_log& b) {
  return std::tie(a.gone_at, a.instance) > std::tie(b.gone_at, b.instance);
}

} // namespace

void log_gathering::add(const std::string& machine, const found_logs& part) {
  all_.more |= part.more;
  for (const auto& each : part.logs) {
    if (!may_see(who_, each))
      continue;
    auto& log = all_.logs.emplace_back(each);
    log.machine = machine;
    if (log.reason.size() > longest_reason)
      log.reason.resize(longest_reason);
  }
}

void log_gathering::miss(std::string machine) {
  all_.silent.push_back(std::move(machine));
}

found_logs log_gathering::result() && {
  std::sort(all_.logs.begin(), all_.logs.end(), is_newer);
  if (all_.logs.size() > most_logs) {
    all_.logs.resize(most_logs);
    all_.more = true;
  }
  std::sort(all_.silent.begin(), all_.silent.end());
  return std::move(all_);
}

} // namespace deployminator::actors
