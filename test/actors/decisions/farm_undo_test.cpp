#include "actors/decisions/farm_undo.hpp"
#include "test/store/change_generator.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// Applies as many random changes, noting them where somebody wants to know.
void move_on(farm& f, int changes, farm_undo* undo) {
  for (; changes > 0; --changes) {
    auto c = test::any_change(f);
    if (undo)
      undo->note(f, c);
    apply(f, c);
  }
}

} // namespace

TEST_CASE("a farm is what it was before the changes that are undone") {
  CHECK(rc::check([] {
    farm f;
    move_on(f, *rc::gen::inRange(0, 4), nullptr);
    auto before = f;
    farm_undo undo;
    move_on(f, *rc::gen::inRange(0, 4), &undo);
    undo.undo(f);
    RC_ASSERT(f == before);
  }));
}

TEST_CASE("changes that were forgotten stay") {
  farm f;
  farm_undo undo;
  change c;
  c.groups.push_back({.id = 1, .name = "kept"});
  undo.note(f, c);
  apply(f, c);
  undo.forget();
  c.groups.front().name = "undone";
  undo.note(f, c);
  apply(f, c);
  undo.undo(f);
  CHECK(f.groups.at(1).name == "kept");
}
