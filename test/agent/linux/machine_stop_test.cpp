#include "agent/linux/journal_directory.hpp"
#include "agent/linux/machine_stop.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <utility>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;
namespace messages = deployminator::messages;

namespace {

/// A machine whose agent knows instances by how they are to be stopped.
struct stopping_machine {
  scratch root;
  machine m{root.path};
  agent_record record;
  std::vector<std::string> warnings;

  std::int64_t run(const std::string& id, std::vector<std::string> args,
                   messages::stop_rules rules) {
    messages::instance_spec spec;
    spec.id = id;
    spec.app.stop = rules;
    record.specs.push_back(std::move(spec));
    m.prepare(id);
    auto pid = m.run(id, std::move(args)).pid;
    // What it does first, a signal must not overtake.
    REQUIRE(eventually([&] { return m.output(id).find("here") != std::string::npos; }));
    return pid;
  }

  void end_agent() {
    m.launcher.reset();
    *m.lock = directories_lock{};
  }

  messages::result<void> stop(std::map<std::string, stopped_instance>& how) {
    return stop_with_machine(
      m.where, [&](const stopped_instance& each) { how[each.id] = each; },
      [&](const messages::failure& why) { warnings.push_back(why.message); });
  }
};

} // namespace

TEST_CASE("a machine that stops ends its instances without an agent, each by its own rules") {
  stopping_machine t;
  auto one = t.run("one", {"print", "here", "sleep"}, {SIGUSR1, 20s});
  auto slow = t.run("slow", {"ignore-term", "print", "here", "sleep"}, {SIGTERM, 300ms});
  t.run("crashed", {"print", "here", "exit", "3"}, {});
  CHECK(t.m.expect(process_event::kind::exited).id == "crashed");
  t.end_agent();
  REQUIRE(journal_directory{t.m.where.journal()}.save_agent(t.record));
  std::map<std::string, stopped_instance> how;
  REQUIRE(t.stop(how));
  REQUIRE(how.size() == 3);
  CHECK(how["one"].exit == 128 + SIGUSR1);
  CHECK_FALSE(how["one"].killed);
  CHECK(how["slow"].exit == 128 + SIGKILL);
  CHECK(how["slow"].killed);
  CHECK(how["slow"].took >= 300ms);
  CHECK_FALSE(how["crashed"].exit);
  CHECK(t.warnings.empty());
  CHECK_FALSE(runs(one));
  CHECK_FALSE(runs(slow));

  auto found = t.m.restart();
  REQUIRE(found.size() == 3);
  CHECK(found[0].id == "crashed");
  CHECK(found[0].exit == 3);
  CHECK(found[0].interruption.empty());
  CHECK(found[1].exit == 128 + SIGUSR1);
  CHECK(found[1].interruption == "was stopped with all instances of its machine");
  CHECK_FALSE(found[2].exit);
  CHECK(found[2].interruption == "was stopped with all instances of its machine");

  SUBCASE("which is forgotten when they run again") {
    t.m.prepare("one");
    t.m.run("one", {"print", "here"});
    CHECK(t.m.expect(process_event::kind::exited).exit == 0);
    CHECK(t.m.kill("one") == std::nullopt);
    CHECK(t.m.restart()[1].interruption.empty());
  }
}

TEST_CASE("a machine that stops waits for what its programs left") {
  stopping_machine t;
  auto box = t.root / "box";
  std::filesystem::create_directory(box);
  std::filesystem::permissions(box, std::filesystem::perms{0777});
  auto file = box + "/worker";
  t.run("one", {"worker", file, "print", "here", "sleep"}, {SIGTERM, 20s});
  REQUIRE(eventually([&] { return content(file) == "here\n"; }));
  t.end_agent();
  REQUIRE(journal_directory{t.m.where.journal()}.save_agent(t.record));
  std::map<std::string, stopped_instance> how;
  REQUIRE(t.stop(how));
  CHECK(how["one"].exit == 128 + SIGTERM);
  CHECK_FALSE(how["one"].killed);
  CHECK(content(file) == "here\ntold\ndone\n");
}

TEST_CASE("a program that outlives such a stop is as any other to the next agent") {
  stopping_machine t;
  t.run("one", {"print", "here", "sleep"}, {});
  t.end_agent();
  write(t.m.where.instance("one") + "/stopped-with-machine", "");
  CHECK(t.m.restart().at(0).running);
  CHECK_FALSE(was_stopped_with_machine(t.m.where.instance("one")));
}

TEST_CASE("instances whose agent left no readable record are stopped by SIGTERM") {
  stopping_machine t;
  t.run("one", {"print", "here", "sleep"}, {SIGUSR1, 20s});
  t.end_agent();
  write(t.m.where.journal() + "/agent", "torn");
  std::map<std::string, stopped_instance> how;
  REQUIRE(t.stop(how));
  CHECK(how["one"].exit == 128 + SIGTERM);
  REQUIRE(t.warnings.size() == 1);
  CHECK(t.warnings[0].find("is damaged") != std::string::npos);
}

TEST_CASE("instances are not stopped behind the back of a living agent") {
  stopping_machine t;
  auto one = t.run("one", {"print", "here", "sleep"}, {});
  std::map<std::string, stopped_instance> how;
  auto stopped = t.stop(how);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().message.find("another autodeployer is running") != std::string::npos);
  CHECK(runs(one));
}
