/// What somebody removes or damages of a starter's files costs nothing while the starter lives.

#include "agent/linux/files.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/starter_search.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <functional>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;
using kind = process_event::kind;

namespace {

namespace fs = std::filesystem;

struct damage {
  const char* what;
  std::function<void(const std::string& directory)> happen;
};

void overwrite(const std::string& path, const std::string& bytes) {
  std::fstream{path, std::ios::in | std::ios::out | std::ios::binary} << bytes;
}

/// What is made anew meanwhile may stay.
void remove_all(const std::string& directory) {
  (void)remove_tree(directory);
}

const damage damages[]{
  {"a removed state", [](const std::string& d) { fs::remove(d + "/state"); }},
  {"an emptied state", [](const std::string& d) { fs::resize_file(d + "/state", 0); }},
  {"a shortened state", [](const std::string& d) { fs::resize_file(d + "/state", 100); }},
  {"a flipped state", [](const std::string& d) { overwrite(d + "/state", "X"); }},
  {"a replaced state",
   [](const std::string& d) {
     write(d + "/other", content(d + "/state"));
     overwrite(d + "/other", "X");
     fs::rename(d + "/other", d + "/state");
   }},
  {"a removed lock", [](const std::string& d) { fs::remove(d + "/lock"); }},
  {"a replaced lock",
   [](const std::string& d) {
     write(d + "/other", "");
     fs::rename(d + "/other", d + "/lock");
   }},
  {"a removed directory", [](const std::string& d) { remove_all(d); }},
  {"a renamed directory", [](const std::string& d) { fs::rename(d, d + ".old"); }},
  {"no directory of instances",
   [](const std::string& d) { remove_all(fs::path{d}.parent_path().string()); }},
};

} // namespace

TEST_CASE("what is lost while the agent is away is made anew, and the program is the same") {
  for (const auto& each : damages) {
    SUBCASE(each.what) {
      scratch root;
      machine m{root.path};
      auto granted = m.prepare("one", 2);
      auto program = m.run("one", {"sleep"});
      m.launcher.reset();
      each.happen(m.where.instance("one"));
      fs::create_directories(m.where.instances());
      auto found = m.restart();
      auto one = std::find_if(found.begin(), found.end(), [](auto& f) { return f.id == "one"; });
      REQUIRE(one != found.end());
      CHECK(one->running);
      CHECK(one->pid == program.pid);
      CHECK(one->started_at == program.started_at);
      CHECK(one->granted.ports == granted.ports);
      CHECK(one->granted.uid == granted.uid);
      // And so it stays.
      REQUIRE(eventually([&] { return read_state(m.where.instance("one")).has_value(); }));
      CHECK(m.restart().front().pid == program.pid);
      m.launcher->stop("one", {.signal = SIGTERM});
      CHECK(m.expect(kind::exited).exit == 128 + SIGTERM);
    }
  }
}

TEST_CASE("what is lost while the agent is there is made anew, and the program's end is told") {
  for (const auto& each : damages) {
    SUBCASE(each.what) {
      scratch root;
      machine m{root.path};
      m.prepare("one");
      auto program = m.run("one", {"sleep"});
      auto directory = m.where.instance("one");
      each.happen(directory);
      ::kill(static_cast<pid_t>(program.pid), SIGUSR1);
      CHECK(m.expect(kind::exited).exit == 128 + SIGUSR1);
      CHECK(eventually([&] { return read_state(directory).has_value(); }));
      CHECK(eventually([&] { return find_starters(m.where.instances()).contains("one"); }));
    }
  }
}

TEST_CASE("a program whose directory is lost is laid out again for its next start") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto program = m.run("one", {"sleep"});
  SUBCASE("whole") {
    remove_all(m.where.home("one"));
  }
  SUBCASE("or its program alone") {
    fs::remove(m.where.home("one") + "/program");
  }
  CHECK(m.unpack("one", "", "program", "/x/program"));
  ::kill(static_cast<pid_t>(program.pid), SIGUSR1);
  m.expect(kind::exited);
  auto refused = m.unpack("one", "", "program", "/x/program");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint == "it has to be fetched again");
  CHECK(m.unpack("one", built("misbehaving_program"), "program", "/x/program"));
  CHECK(m.run("one", {"sleep"}).pid != program.pid);
}

TEST_CASE("a starter that does not answer is taken for one that is just starting its program") {
  scratch root;
  machine m{root.path};
  auto granted = m.prepare("one", 2);
  auto program = m.run("one", {"sleep"});
  auto starter = static_cast<pid_t>(parent_of(program.pid));
  m.launcher.reset();
  fs::remove(m.where.instance("one") + "/state");
  ::kill(starter, SIGSTOP);
  auto found = m.restart();
  REQUIRE(found.size() == 1);
  CHECK(found[0].starting);
  CHECK_FALSE(found[0].running);
  CHECK(found[0].granted.ports == granted.ports);
  CHECK(found[0].granted.uid == granted.uid);
  ::kill(starter, SIGCONT);
  auto event = m.expect(kind::started);
  CHECK(event.pid == program.pid);
  CHECK(event.started_at == program.started_at);
}

TEST_CASE("a user that processes run as is given to nobody, though its lock was removed") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root runs instances as users of their own");
    return;
  }
  scratch root;
  machine m{root.path};
  machine other{root / "other"};
  auto mine = m.prepare("one").uid;
  m.run("one", {"sleep"});
  fs::remove("/run/autodeployer-users/" + std::to_string(mine));
  for (auto id : {"one", "two", "three"})
    CHECK(other.reserve(id).uid != mine);
}

TEST_CASE("a damaged state of an instance whose starter is gone costs that instance alone") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.prepare("two");
  auto one = m.run("one", {"sleep"});
  auto two = m.run("two", {"sleep"});
  m.launcher.reset();
  ::kill(static_cast<pid_t>(parent_of(one.pid)), SIGKILL);
  REQUIRE(eventually([&] { return !runs(one.pid); }));
  overwrite(m.where.instance("one") + "/state", "X");
  auto found = m.restart();
  REQUIRE(found.size() == 2);
  CHECK_FALSE(found[0].running);
  CHECK_FALSE(found[0].exit);
  CHECK(found[1].pid == two.pid);
}

TEST_CASE(
  "a starter that the agent does not know is not joined by another, and found by the next") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  starter_setup setup;
  setup.program = m.config().programs.starter;
  setup.directory = m.where.instance("one");
  setup.home = m.where.home("one");
  auto stranger
    = spawn_starter(setup, setup.home + "/program", machine::order("one", {"sleep"}), {});
  REQUIRE(stranger);
  m.launcher->launch(machine::order("one", {"sleep"}));
  auto problem = m.expect(kind::not_started).problem;
  CHECK(problem
        == "a starter that this agent does not know holds " + setup.directory
             + "/lock: restart the agent, which then takes it over");
  auto found = m.restart();
  REQUIRE(found.size() == 1);
  if (found[0].starting)
    m.expect(kind::started);
  CHECK(m.kill("one") == std::nullopt);
  reap(stranger->handle);
}
