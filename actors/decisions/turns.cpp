#include "actors/decisions/turns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace deployminator::actors {

using namespace messages;

namespace {

bool has_begun(const rollout& r) {
  return r.phase != rollout_phase::fetching;
}

/// All moves that nobody holds: those that have begun, then the others, the oldest first.
std::vector<const rollout*> queue_of(const farm& f) {
  std::vector<const rollout*> out;
  for (const auto& [group_id, each] : f.rollouts)
    if (is_move(each) && !each.paused)
      out.push_back(&each);
  // Those of one order have the same number.
  std::ranges::sort(out, {}, [](const rollout* each) {
    return std::tuple{!has_begun(*each), each->id, each->group_id};
  });
  return out;
}

} // namespace

bool is_move(const rollout& r) {
  return r.each_alone && r.to == r.from && !r.coming.empty() && !r.leaving.empty();
}

std::set<std::uint64_t> groups_that_wait(const farm& f) {
  std::set<std::uint64_t> out;
  auto queue = queue_of(f);
  for (auto i = most_moving_groups; i < queue.size(); ++i)
    if (!has_begun(*queue[i]))
      out.insert(queue[i]->group_id);
  return out;
}

std::set<std::uint64_t> groups_to_begin(const farm& f) {
  std::set<std::uint64_t> out;
  auto queue = queue_of(f);
  queue.resize(std::min(queue.size(), most_moving_groups));
  for (const auto* each : queue)
    if (!has_begun(*each))
      out.insert(each->group_id);
  return out;
}

std::size_t count_moves(const farm& f) {
  return queue_of(f).size();
}

std::string waiting_text() {
  return fmt::format("waits for its turn: {} groups at most move at once", most_moving_groups);
}

} // namespace deployminator::actors
