#include "agent/decisions/assignment.hpp"

#include "messages/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace deployminator::agent {

namespace {

using kind = assignment_verdict::kind;

constexpr std::uint32_t most_parts = 1'000;

/// Ids name directories, so nothing else may come near one.
bool is_id(const std::string& id) {
  return !id.empty() && id.size() <= 40 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// Why a part cannot be of use, or nothing.
std::string objection(const messages::assignment& part, const held_assignment& held) {
  if (part.parts == 0 || part.part >= part.parts || part.parts > most_parts)
    return fmt::format("it is part {} of {}", part.part, part.parts);
  if (part.base != 0 && part.base != held.generation)
    return fmt::format("it is a difference to generation {}, held is {}", part.base,
                       held.generation);
  for (const auto& spec : part.put)
    if (!is_id(spec.id) || spec.goal == messages::instance_goal::stop)
      return fmt::format("\"{:.60}\" is not an instance that can be wanted", spec.id);
  return {};
}

void apply(spec_map& specs, messages::assignment part) {
  for (const auto& id : part.removed)
    specs.erase(id);
  for (auto& spec : part.put) {
    auto id = spec.id;
    specs[id] = std::make_shared<const messages::instance_spec>(std::move(spec));
  }
}

} // namespace

std::uint64_t digest_of(const held_assignment& held) {
  std::uint64_t sum = 0;
  for (const auto& [id, spec] : held.specs)
    sum += messages::digest_of_entry(id, spec->revision);
  return sum;
}

bool assignment_inbox::continues(const messages::assignment& part) const {
  if (parts_.empty())
    return false;
  const auto& first = parts_.begin()->second;
  return first.base == part.base && first.generation == part.generation
         && first.digest == part.digest && first.parts == part.parts;
}

assignment_verdict assignment_inbox::take(const messages::assignment& part,
                                          const held_assignment& held) {
  if (part.generation <= held.generation)
    return {kind::repeated, {}, {}};
  if (auto reason = objection(part, held); !reason.empty())
    return {kind::unusable, std::move(reason), {}};
  if (!continues(part))
    parts_.clear();
  parts_.insert_or_assign(part.part, part);
  if (parts_.size() < part.parts)
    return {kind::incomplete, {}, {}};
  held_assignment next{part.generation, part.base == 0 ? spec_map{} : held.specs};
  if (part.base != 0)
    next.read_by = held.read_by;
  std::vector<std::string> removed;
  for (auto& [number, each] : std::exchange(parts_, {})) {
    removed.insert(removed.end(), each.removed.begin(), each.removed.end());
    apply(next.specs, std::move(each));
  }
  if (digest_of(next) != part.digest)
    return {kind::unusable, "the result has another digest than announced", {}};
  return {kind::complete, {}, std::move(next), std::move(removed)};
}

} // namespace deployminator::agent
