#include "agent/decisions/assignment.hpp"
#include "messages/digest.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <rapidcheck.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using kind = assignment_verdict::kind;

namespace {

instance_spec spec_of(const std::string& id, std::uint64_t version = 1) {
  instance_spec spec;
  spec.id = id;
  spec.version = version;
  spec.revision = version;
  return spec;
}

assignment assignment_of(std::uint64_t base, std::uint64_t generation,
                         std::vector<instance_spec> put, std::vector<std::string> removed,
                         const std::vector<instance_spec>& result) {
  return {base, generation, digest_of(result), 0, 1, std::move(put), std::move(removed)};
}

held_assignment held_of(std::uint64_t generation, const std::vector<instance_spec>& specs) {
  held_assignment held{generation, {}};
  for (const auto& spec : specs)
    held.specs[spec.id] = std::make_shared<const instance_spec>(spec);
  return held;
}

} // namespace

TEST_CASE("a whole assignment replaces what was held") {
  assignment_inbox inbox;
  auto held = held_of(4, {spec_of("a")});
  auto verdict = inbox.take(assignment_of(0, 5, {spec_of("b")}, {}, {spec_of("b")}), held);
  REQUIRE(verdict.what == kind::complete);
  CHECK(verdict.next.generation == 5);
  CHECK(verdict.next.specs.size() == 1);
  CHECK(verdict.next.specs.contains("b"));
}

TEST_CASE("a difference is applied to the generation it is made for") {
  assignment_inbox inbox;
  auto held = held_of(4, {spec_of("a"), spec_of("b")});
  std::vector<instance_spec> after{spec_of("b", 2), spec_of("c")};
  auto verdict = inbox.take(assignment_of(4, 6, after, {"a"}, after), held);
  REQUIRE(verdict.what == kind::complete);
  CHECK(digest_of(verdict.next) == digest_of(after));
}

TEST_CASE("assignments that cannot be used change nothing") {
  assignment_inbox inbox;
  auto held = held_of(4, {spec_of("a")});
  auto good = assignment_of(4, 5, {spec_of("b")}, {}, {spec_of("a"), spec_of("b")});
  SUBCASE("made for another generation") {
    good.base = 3;
  }
  SUBCASE("with another result") {
    good.digest ^= 1;
  }
  SUBCASE("with an impossible part") {
    good.part = 1;
  }
  SUBCASE("with no parts") {
    good.parts = 0;
  }
  SUBCASE("with an id that leaves its directory") {
    good.put[0].id = "../b";
  }
  SUBCASE("with an instance to be stopped") {
    good.put[0].goal = instance_goal::stop;
  }
  auto verdict = inbox.take(good, held);
  CHECK(verdict.what == kind::unusable);
  CHECK_FALSE(verdict.reason.empty());
}

TEST_CASE("what is held already, or older, is only confirmed again") {
  assignment_inbox inbox;
  auto held = held_of(4, {spec_of("a")});
  CHECK(inbox.take(assignment_of(0, 4, {spec_of("a")}, {}, {spec_of("a")}), held).what
        == kind::repeated);
  CHECK(inbox.take(assignment_of(0, 3, {}, {}, {}), held).what == kind::repeated);
}

TEST_CASE("parts are put together in any order, repeated or not") {
  CHECK(rc::check([] {
    auto count = *rc::gen::inRange(1U, 6U);
    std::vector<instance_spec> all;
    std::vector<assignment> parts;
    for (std::uint32_t i = 0; i < count; ++i) {
      all.push_back(spec_of("i" + std::to_string(i)));
      parts.push_back({0, 9, 0, i, count, {all.back()}, {}});
    }
    for (auto& part : parts)
      part.digest = digest_of(all);
    auto order = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0U, count));
    for (std::uint32_t i = 0; i < count; ++i)
      order.push_back(i);
    assignment_inbox inbox;
    held_assignment held;
    for (auto i : order) {
      auto verdict = inbox.take(parts[i], held);
      if (verdict.what == kind::complete)
        held = verdict.next;
    }
    RC_ASSERT(held.generation == 9U);
    RC_ASSERT(digest_of(held) == digest_of(all));
  }));
}

TEST_CASE("parts of an assignment that was overtaken are dropped") {
  assignment_inbox inbox;
  held_assignment held;
  CHECK(inbox.take({0, 5, 77, 0, 2, {spec_of("old")}, {}}, held).what == kind::incomplete);
  auto verdict = inbox.take(assignment_of(0, 6, {spec_of("new")}, {}, {spec_of("new")}), held);
  REQUIRE(verdict.what == kind::complete);
  CHECK_FALSE(verdict.next.specs.contains("old"));
}
