#include "test/actors/decisions/small_placing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

constexpr std::array<const char*, 3> groups{"a", "b", "c"};

std::vector<std::string> groups_of(unsigned bits) {
  std::vector<std::string> out;
  for (unsigned i = 0; i < groups.size(); ++i)
    if (bits & (1U << i))
      out.emplace_back(groups[i]);
  return out;
}

/// How many can be placed where each machine has one place, by the theorem of Ford and Fulkerson:
/// the least over all sets of applications of the others' counts and this set's machines.
std::uint64_t most_that_fit(const placing_question& q) {
  std::uint64_t least = 1'000;
  for (unsigned set = 0; set < 1U << q.wanted.size(); ++set) {
    std::uint64_t cut = 0;
    for (std::size_t a = 0; a < q.wanted.size(); ++a)
      if (!(set & (1U << a)))
        cut += q.wanted[a].count;
    for (const auto& machine : q.machines)
      for (std::size_t a = 0; a < q.wanted.size(); ++a)
        if ((set & (1U << a)) && q.is_of_group(machine, q.wanted[a])) {
          ++cut;
          break;
        }
    least = std::min(least, cut);
  }
  return least;
}

std::uint64_t placed_by(const placing_question& q) {
  std::uint64_t out = 0;
  for (const auto& each : q.answer())
    out += each.placed;
  return out;
}

/// Calls `check` with every overlap of three machine groups on so many machines. Machines in the
/// same groups are alike, so they come in order.
void for_every_overlap(std::size_t machines, placing_question& q, const auto& check,
                       unsigned least = 0) {
  if (q.machines.size() == machines)
    return check();
  for (auto bits = least; bits < 1U << groups.size(); ++bits) {
    q.machines.push_back(
      {"m" + std::to_string(q.machines.size()), groups_of(bits), machine_use::open, 100});
    for_every_overlap(machines, q, check, bits);
    q.machines.pop_back();
  }
}

} // namespace

TEST_CASE("every overlap of three machine groups on up to five machines places all that fit") {
  placing_question q;
  q.rules.overcommit_percent = 100;
  for (std::uint64_t i = 0; i < 3; ++i)
    q.wanted.push_back({.name = "app" + std::to_string(i),
                        .machine_groups = groups_of(1U << i),
                        .machine_names = {},
                        .memory_mb = 100});
  q.wanted.push_back(
    {.name = "any", .machine_groups = {"a", "b"}, .machine_names = {}, .memory_mb = 100});
  std::size_t wrong = 0;
  auto check = [&] {
    q.current.clear();
    wrong += placed_by(q) == most_that_fit(q) ? 0 : 1;
    // And where the one with the most choice was there first.
    for (const auto& each : q.machines)
      if (q.is_of_group(each, q.wanted[3]))
        q.current.push_back({"any", each.name, 1});
    wrong += placed_by(q) == most_that_fit(q) ? 0 : 1;
  };
  for (std::size_t machines = 1; machines <= 5; ++machines)
    for (std::uint64_t counts = 0; counts < 16; ++counts) {
      for (std::size_t a = 0; a < 4; ++a)
        q.wanted[a].count = 1 + ((counts >> a) & 1U);
      for_every_overlap(machines, q, check);
    }
  CHECK(wrong == 0);
}
