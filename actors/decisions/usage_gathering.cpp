#include "actors/decisions/usage_gathering.hpp"

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

/// They stay below the megabyte that a message may have.
constexpr std::size_t most_usages = 5'000;

bool uses_more(const instance_usage& a, const instance_usage& b) {
  return a.cpu_percent != b.cpu_percent ? a.cpu_percent > b.cpu_percent : a.id < b.id;
}

} // namespace

void usage_gathering::add(const measured& part) {
  // Each is told by one machine, and by that only once.
  for (const auto& each : part.usages)
    if (visible_.erase(each.id) > 0)
      all_.usages.push_back(each);
}

void usage_gathering::miss(std::string machine) {
  all_.silent.push_back(std::move(machine));
}

measured usage_gathering::result() && {
  std::sort(all_.usages.begin(), all_.usages.end(), uses_more);
  all_.more = all_.usages.size() > most_usages;
  if (all_.more)
    all_.usages.resize(most_usages);
  std::sort(all_.silent.begin(), all_.silent.end());
  return std::move(all_);
}

} // namespace deployminator::actors
