#include "actors/decisions/change_queue.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

change with_event() {
  change c;
  c.events.emplace_back();
  return c;
}

change with_instance(const std::string& id, instance_goal goal) {
  change c;
  c.instances.push_back({.id = id, .group_id = 1, .machine = "m", .goal = goal});
  return c;
}

/// A queue that notes what becomes of its works.
struct bench {
  std::vector<std::string> log;
  change_queue queue{farm{}};

  explicit bench(farm stored = {}) : queue(std::move(stored)) {}

  /// A work that adds an event and says how many there were before it.
  work counting(const std::string& name) {
    return {[this, name](const farm& f) {
              log.push_back(name + " sees " + std::to_string(f.last_event));
              return with_event();
            },
            finish(name)};
  }

  std::function<void(const result<std::uint64_t>&)> finish(const std::string& name) {
    return [this, name](const result<std::uint64_t>& seq) {
      log.push_back(name + (seq ? " after " + std::to_string(*seq) : ": " + seq.error().message));
    };
  }

  void commit(std::uint64_t last) {
    queue.committed(
      last, [this](const change& c) { log.push_back("told " + std::to_string(c.events.size())); });
  }

  [[nodiscard]] std::uint64_t revision(std::uint64_t group = 1) const {
    auto found = queue.revisions().find(group);
    return found == queue.revisions().end() ? 0 : found->second;
  }

  /// Makes the change, and says by how much it raised the group's revision.
  std::uint64_t raised_by(const change& c) {
    auto before = revision();
    queue.push({[c](const farm&) { return c; }, {}});
    if (queue.next())
      queue.committed(queue.farm().last_event, [](const change&) {});
    return revision() - before;
  }
};

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("works are decided in their order, each on the farm as those before it leave it") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.push(b.counting("b"));
  auto both = b.queue.next();
  REQUIRE(both);
  CHECK(both->events.size() == 2);
  CHECK(b.log == lines{"a sees 0", "b sees 1"});
  CHECK(b.queue.farm().last_event == 2);
}

TEST_CASE("one commit is under way at a time, and what waits meanwhile is committed together") {
  bench b;
  b.queue.push(b.counting("a"));
  REQUIRE(b.queue.next());
  b.queue.push(b.counting("b"));
  b.queue.push(b.counting("c"));
  CHECK_FALSE(b.queue.next());
  CHECK(b.log == lines{"a sees 0"});
  b.commit(1);
  auto next = b.queue.next();
  REQUIRE(next);
  CHECK(next->events.size() == 2);
}

TEST_CASE("everybody is told before anybody is answered") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.push(b.counting("b"));
  b.queue.next();
  b.log.clear();
  b.commit(12);
  CHECK(b.log == lines{"told 2", "a after 10", "b after 10"});
  CHECK(b.queue.farm().last_event == 12);
}

TEST_CASE("a work that changes nothing is finished with those it was decided with") {
  bench b;
  work nothing{[](const farm&) { return change{}; }, b.finish("nothing")};
  SUBCASE("at once where there are none") {
    b.queue.push(nothing);
    CHECK_FALSE(b.queue.next());
    CHECK(b.log == lines{"nothing after 0"});
  }
  SUBCASE("else when they are stored") {
    b.queue.push(b.counting("a"));
    b.queue.push(nothing);
    CHECK(b.queue.next());
    CHECK(b.log == lines{"a sees 0"});
    b.commit(1);
    CHECK(b.log == lines{"a sees 0", "told 1", "a after 0", "nothing after 0"});
  }
  SUBCASE("and one that waits for a commit sees it stored") {
    b.queue.push(b.counting("a"));
    b.queue.next();
    b.queue.push({{}, b.finish("question")});
    b.commit(1);
    CHECK_FALSE(b.queue.next());
    CHECK(b.log == lines{"a sees 0", "told 1", "a after 0", "question after 1"});
  }
}

TEST_CASE("a commit that fails fails its works, and those that wait see what is stored") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.push(b.counting("b"));
  b.queue.next();
  b.queue.push(b.counting("c"));
  b.log.clear();
  b.queue.failed({failure_code::internal, "disk full", ""});
  CHECK(b.log == lines{"a: disk full", "b: disk full"});
  CHECK_FALSE(b.queue.next());
  farm stored;
  stored.last_event = 40;
  b.queue.loaded(stored);
  b.log.clear();
  auto next = b.queue.next();
  REQUIRE(next);
  CHECK(next->events.size() == 1);
  CHECK(b.log == lines{"c sees 40"});
}

TEST_CASE("who reads sees what is stored, before anything that waits is decided") {
  bench b;
  auto reads = [&b](const std::string& name) {
    return [&b, name](const farm& f) {
      b.log.push_back(name + " reads " + std::to_string(f.last_event));
    };
  };
  b.queue.read(reads("first"));
  CHECK(b.log == lines{"first reads 0"});
  b.queue.push(b.counting("a"));
  b.queue.next();
  b.queue.push(b.counting("b"));
  b.log.clear();
  b.queue.read(reads("second"));
  CHECK(b.log.empty());
  b.commit(1);
  CHECK(b.log == lines{"told 1", "second reads 1", "a after 0"});
  b.log.clear();
  b.queue.next();
  b.queue.failed({failure_code::internal, "disk full", ""});
  b.queue.read(reads("third"));
  CHECK(b.log == lines{"b sees 1", "b: disk full"});
  farm stored;
  stored.last_event = 7;
  b.queue.loaded(stored);
  CHECK(b.log.back() == "third reads 7");
}

TEST_CASE("works that come while the farm is to be loaded wait for it") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.next();
  b.queue.failed({failure_code::internal, "disk full", ""});
  b.queue.push(b.counting("b"));
  CHECK_FALSE(b.queue.next());
  b.queue.loaded({});
  CHECK(b.queue.next());
}

TEST_CASE("while the store is away works are refused, and who reads sees what was stored last") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.next();
  b.commit(1);
  b.queue.push(b.counting("b"));
  b.queue.next();
  b.queue.push(b.counting("c"));
  b.queue.failed({failure_code::unreachable, "gone", ""});
  auto read = [&b] {
    b.queue.read([&b](const farm& f) { b.log.push_back("read " + std::to_string(f.last_event)); });
  };
  read();
  b.log.clear();
  b.queue.load_failed({failure_code::unreachable, "still gone", ""});
  CHECK(b.log == lines{"read 1"});
  CHECK_FALSE(b.queue.next());
  CHECK(b.log == lines{"read 1", "c: still gone"});
  b.queue.push(b.counting("d"));
  CHECK_FALSE(b.queue.next());
  read();
  CHECK(b.log == lines{"read 1", "c: still gone", "d: still gone", "read 1"});
  farm stored;
  stored.last_event = 2;
  b.queue.loaded(stored);
  b.queue.push(b.counting("e"));
  CHECK(b.queue.next());
  CHECK(b.log.back() == "e sees 2");
}

TEST_CASE("a work that is refused may push another, which is refused as well") {
  bench b;
  b.queue.push(b.counting("a"));
  b.queue.next();
  b.queue.failed({failure_code::unreachable, "gone", ""});
  b.queue.load_failed({failure_code::unreachable, "gone", ""});
  b.log.clear();
  b.queue.push({{}, [&b](const result<std::uint64_t>&) {
                  b.queue.push(b.counting("b"));
                  CHECK_FALSE(b.queue.next());
                  b.log.emplace_back("first");
                }});
  CHECK_FALSE(b.queue.next());
  CHECK(b.log == lines{"first", "b: gone"});
}

TEST_CASE("works that are pushed when another is finished are decided after all have finished") {
  bench b;
  auto next = [&] { return b.queue.next() != nullptr; };
  std::optional<bool> is_decided_at_once;
  b.queue.push({[](const farm&) { return with_event(); },
                [&](const result<std::uint64_t>&) {
                  b.queue.push(b.counting("second"));
                  is_decided_at_once = next();
                }});
  b.queue.push({{}, b.finish("first")});
  b.queue.next();
  b.commit(1);
  CHECK(is_decided_at_once == false);
  CHECK(b.log == lines{"told 1", "first after 0"});
  CHECK(b.queue.next());
  CHECK(b.log.back() == "second sees 1");
}

TEST_CASE("a work that comes when one that changes nothing is finished is not forgotten") {
  bench b;
  b.queue.push({{}, [&](const result<std::uint64_t>&) { b.queue.push(b.counting("next")); }});
  CHECK(b.queue.next());
  CHECK(b.log == lines{"next sees 0"});
}

TEST_CASE("a change that many works make together has each row once") {
  bench b;
  for (auto goal : {instance_goal::fetch, instance_goal::run, instance_goal::stop})
    b.queue.push({[goal](const farm&) { return with_instance("i", goal); }, {}});
  auto sum = b.queue.next();
  REQUIRE(sum->instances.size() == 1);
  CHECK(sum->instances[0].goal == instance_goal::stop);
}

TEST_CASE("answers do not wait for more than 500 others") {
  bench b;
  for (int i = 0; i < 501; ++i)
    b.queue.push({[](const farm&) { return with_event(); }, {}});
  CHECK(b.queue.next()->events.size() == 500);
  b.commit(500);
  CHECK(b.queue.next()->events.size() == 1);
}

TEST_CASE("a group's revision counts what it should be, not what is seen of it") {
  bench b;
  auto row = with_instance("i", instance_goal::fetch);
  CHECK(b.raised_by(row) == 1);
  row.instances[0].seen.pid = 7;
  row.instances[0].seen.state = instance_state::ready;
  CHECK(b.raised_by(row) == 0);
  row.instances[0].goal = instance_goal::run;
  CHECK(b.raised_by(row) == 1);
  change gone;
  gone.gone_instances = {{"i", 1}};
  CHECK(b.raised_by(gone) == 1);
  change told;
  told.events.emplace_back();
  CHECK(b.raised_by(told) == 0);
  change group_row;
  group_row.groups.push_back({.id = 1});
  CHECK(b.raised_by(group_row) == 1);
  change way;
  way.rollouts.push_back({.group_id = 1});
  CHECK(b.raised_by(way) == 1);
  change end;
  end.finished_rollouts = {{1}};
  CHECK(b.raised_by(end) == 1);
}

TEST_CASE("a change of one group leaves the revision of another") {
  bench b;
  b.raised_by(with_instance("i", instance_goal::fetch));
  CHECK(b.revision(2) == 0);
}

TEST_CASE("a machine that drains or changes its groups makes the plans of what is there stale") {
  bench b;
  auto machine_row = [](const std::string& name, bool drains, const std::string& group) {
    change c;
    c.machines.push_back({.name = name, .groups = {group}, .draining = drains});
    return c;
  };
  b.raised_by(machine_row("m", false, "worker"));
  b.raised_by(machine_row("empty", false, "worker"));
  b.raised_by(with_instance("i", instance_goal::run));
  CHECK(b.raised_by(machine_row("m", true, "worker")) == 1);
  CHECK(b.raised_by(machine_row("m", true, "worker")) == 0);
  CHECK(b.raised_by(machine_row("m", false, "worker")) == 1);
  CHECK(b.raised_by(machine_row("m", false, "db")) == 1);
  CHECK(b.raised_by(machine_row("empty", true, "worker")) == 0);
}

TEST_CASE("a farm that was loaded makes every plan stale") {
  bench b;
  change c = with_event();
  c.groups.push_back({.id = 1});
  b.raised_by(c);
  auto before = b.revision();
  auto stored = b.queue.farm();
  b.queue.push(b.counting("a"));
  b.queue.next();
  b.queue.failed({failure_code::internal, "disk full", ""});
  SUBCASE("of a group that is stored") {
    b.queue.loaded(stored);
    CHECK(b.revision() > before);
  }
  SUBCASE("of a group that was never stored") {
    b.queue.loaded({});
    CHECK(b.revision() > before);
  }
}
