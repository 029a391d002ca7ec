#include "agent/linux/child_process.hpp"
#include "agent/linux/files.hpp"
#include "agent/linux/process_launcher.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <pwd.h>
#include <random>
#include <set>
#include <thread>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;
using kind = process_event::kind;

namespace {

bool is_root() {
  return geteuid() == 0;
}

std::set<std::string> lines_of(const std::string& text) {
  std::istringstream in{text};
  std::set<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.insert(line);
  return out;
}

std::vector<std::int64_t> numbers_in(const std::string& file) {
  std::ifstream in{file};
  std::vector<std::int64_t> out;
  for (std::int64_t n = 0; in >> n;)
    out.push_back(n);
  return out;
}

/// A socket that is bound to the port on the loopback; none when that is not possible.
owned_fd occupy(std::uint16_t port) {
  owned_fd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address))
    fd.reset();
  return fd;
}

/// The processes whose program lies in an instance's directory below `root`, by its path.
std::map<std::string, std::set<std::string>> processes_below(const std::string& root) {
  std::map<std::string, std::set<std::string>> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", error}) {
    auto program = std::filesystem::read_symlink(entry.path() / "exe", error).string();
    if (program.starts_with(root + "/"))
      out[program].insert(entry.path().filename());
  }
  return out;
}

/// A directory that every user may write to, for what programs under test leave.
std::string drop_box(const scratch& root) {
  auto path = root / "drop";
  std::filesystem::create_directory(path);
  std::filesystem::permissions(path, std::filesystem::perms{0777});
  return path;
}

} // namespace

TEST_CASE("a program runs with exactly its arguments, environment, directory and limits") {
  scratch root;
  machine m{root.path};
  auto granted = m.prepare("one", 2);
  auto order = machine::order("one", {"print", "a b\"c", "report", "sleep"});
  order.env = {{"PATH", "/usr/bin:/bin"}, {"PORT1", "1"}};
  order.limits.max_memory_mb = 300;
  order.limits.priority = 7;
  m.launcher->launch(order);
  auto event = m.expect(kind::started);
  CHECK(runs(event.pid));
  CHECK(event.started_at.microseconds > 1'600'000'000'000'000);
  REQUIRE(eventually([&] { return m.output("one").find("fd:2") != std::string::npos; }));
  auto lines = lines_of(m.output("one"));
  auto home = m.where.home("one");
  auto user = is_root() ? "deploy-" + std::to_string(granted.uid) : getpwuid(getuid())->pw_name;
  auto temporary = is_root() ? "/tmp" : m.where.instance("one") + "/tmp";
  CHECK(lines
        == std::set<std::string>{"a b\"c",
                                 "uid=" + std::to_string(granted.uid),
                                 "gid=" + std::to_string(is_root() ? granted.uid : getgid()),
                                 "groups=" + std::to_string(is_root() ? 0 : getgroups(0, nullptr)),
                                 "cwd=" + home,
                                 "nice=7",
                                 "as=314572800",
                                 "core=0",
                                 "nofile=1024",
                                 "session=1",
                                 "env:HOME=" + home,
                                 "env:PATH=/usr/bin:/bin",
                                 "env:PORT1=1",
                                 "env:SHELL=/bin/sh",
                                 "env:USER=" + user,
                                 "env:LOGNAME=" + user,
                                 "env:TMPDIR=" + temporary,
                                 "fd:0",
                                 "fd:1",
                                 "fd:2"});
  m.kill("one");
  CHECK_FALSE(runs(event.pid));
}

TEST_CASE(
  "a program may open as many files as is usual, however many its agent may, and ask for more") {
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  REQUIRE(usual.rlim_max > 1024);
  rlimit raised{usual.rlim_max, usual.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &raised) == 0);
  {
    scratch root;
    machine m{root.path};
    m.prepare("one");
    m.run("one", {"limit-of-files"});
    m.expect(kind::exited);
    CHECK(m.output("one") == "1024 of " + std::to_string(usual.rlim_max) + "\n");
  }
  setrlimit(RLIMIT_NOFILE, &usual);
}

TEST_CASE("the program may open its own standard output again") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.run("one", {"open-stdout"});
  m.expect(kind::exited);
  CHECK(m.output("one") == "open=1\n");
}

TEST_CASE("what is printed before the end is in the log when the end is told") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  for (int n = 1; n <= 20; ++n) {
    m.run("one", {"flood", "3000", "begin", "last words"});
    m.expect(kind::exited);
    auto text = m.output("one");
    CHECK(text.ends_with("last words\n"));
    CHECK(static_cast<int>(std::count(text.begin(), text.end(), '\n')) == n * 3'001);
  }
}

TEST_CASE("what nobody has read when the instance is killed is in its log all the same") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto box = drop_box(root);
  auto pid
    = m.run("one", {"await", box + "/go", "print", "late words", "touch", box + "/done", "sleep"})
        .pid;
  // It reads nothing until it is told to end.
  ::kill(static_cast<pid_t>(parent_of(pid)), SIGSTOP);
  write(box + "/go", "");
  REQUIRE(eventually([&] { return std::filesystem::exists(box + "/done"); }));
  CHECK(m.output("one").empty());
  m.kill("one");
  CHECK(m.output("one") == "late words\n");
}

TEST_CASE("a program that hangs in the middle of a line has said so far what it said") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.run("one", {"begin", "connecting to", "sleep"});
  CHECK(eventually([&] { return m.output("one") == "connecting to\n"; }));
}

TEST_CASE("output can be thrown away") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto order = machine::order("one", {"print", "x"});
  order.discard_log = true;
  m.launcher->launch(order);
  m.expect(kind::started);
  m.expect(kind::exited);
  CHECK_FALSE(std::filesystem::exists(m.where.log_of("one")));
}

TEST_CASE("exit codes and deadly signals are told, and the next start is a new process") {
  scratch root;
  machine m{root.path};
  auto granted = m.prepare("one", 1);
  auto first = m.run("one", {"exit", "3"});
  auto end = m.expect(kind::exited);
  CHECK(end.exit == 3);
  CHECK(end.pid == first.pid);
  // The starter keeps the program and arguments of its first order.
  auto second = m.run("one", {"ignored"});
  CHECK(second.pid != first.pid);
  CHECK(m.expect(kind::exited).exit == 3);
  CHECK(m.reserve("one", 1).ports == granted.ports);
  m.reserved.pop_back();
  m.kill("one");

  m.reserve("one");
  m.run("one", {"abort"});
  CHECK(m.expect(kind::exited).exit == 128 + SIGABRT);
}

TEST_CASE("launching twice starts one program") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.launcher->launch(machine::order("one", {"sleep"}));
  m.launcher->launch(machine::order("one", {"sleep"}));
  m.launcher->launch(machine::order("one", {"sleep"}));
  std::set<std::int64_t> pids;
  pids.insert(m.expect(kind::started).pid);
  m.launcher->launch(machine::order("one", {"sleep"}));
  pids.insert(m.expect(kind::started).pid);
  while (!m.events.empty())
    pids.insert(m.expect(kind::started).pid);
  CHECK(pids.size() == 1);
}

TEST_CASE("a signal reaches the program, which may end by it") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.run("one", {"sleep"});
  m.launcher->stop("one", {.signal = SIGTERM});
  CHECK(m.expect(kind::exited).exit == 128 + SIGTERM);
  m.launcher->stop("one", {.signal = SIGTERM});
  m.launcher->stop("nobody", {.signal = SIGTERM});
}

TEST_CASE("killing leaves nothing of what double-forked, changed its session and ignores signals") {
  scratch root;
  machine m{root.path};
  m.prepare("one", 1);
  auto file = drop_box(root) + "/pids";
  auto program = m.run("one", {"ignore-term", "runaway", file, "runaway", file, "sleep"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 2; }));
  auto starter = parent_of(program.pid);
  m.launcher->stop("one", {.signal = SIGTERM});
  CHECK_FALSE(m.kill("one"));
  for (auto pid : numbers_in(file))
    CHECK_FALSE(runs(pid));
  CHECK_FALSE(runs(program.pid));
  CHECK_FALSE(runs(starter));
}

TEST_CASE("when the program ends by itself, what it left is killed too") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/pids";
  auto go = drop_box(root) + "/go";
  m.run("one", {"runaway", file, "await", go, "exit", "3"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 1; }));
  write(go, "");
  CHECK(m.expect(kind::exited).exit == 3);
  CHECK(eventually([&] { return !runs(numbers_in(file).at(0)); }));
}

TEST_CASE("when a program that is stopped has ended, what it left gets the signal and its time") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/worker";
  auto program = m.run("one", {"worker", file, "sleep"});
  REQUIRE(eventually([&] { return content(file) == "here\n"; }));
  m.launcher->stop("one", {SIGTERM, 20s});
  SUBCASE("also when it is told twice") {
    m.launcher->stop("one", {SIGTERM, 20s});
  }
  SUBCASE("and meanwhile the program does not run anew") {
    m.launcher->launch(machine::order("one", {"sleep"}));
    CHECK(m.expect(kind::started).pid == program.pid);
  }
  auto ended = m.expect(kind::exited);
  CHECK(ended.exit == 128 + SIGTERM);
  CHECK_FALSE(ended.too_slow);
  CHECK(content(file) == "here\ntold\ndone\n");
}

TEST_CASE("while a program that is stopped has not ended, what it started hears nothing") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/worker";
  m.run("one", {"worker", file, "ignore-term", "sleep"});
  REQUIRE(eventually([&] { return content(file) == "here\n"; }));
  m.launcher->stop("one", {SIGTERM, 300ms});
  SUBCASE("and whoever tells it again gives it no more time") {
    m.launcher->stop("one", {SIGTERM, 1h});
  }
  auto ended = m.expect(kind::exited);
  CHECK_FALSE(ended.exit);
  CHECK(ended.too_slow);
  CHECK(content(file) == "here\n");
  CHECK_FALSE(m.kill("one"));
}

TEST_CASE("all processes of an instance are told at once where that is wanted") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/worker";
  m.run("one", {"worker", file, "ignore-term", "sleep"});
  REQUIRE(eventually([&] { return content(file) == "here\n"; }));
  m.launcher->stop("one", {SIGTERM, 1s, deployminator::messages::stop_target::all});
  REQUIRE(eventually([&] { return content(file) == "here\ntold\ndone\n"; }));
  CHECK(m.expect(kind::exited).too_slow);
}

TEST_CASE("what a program left that does not end in time is killed, and its own end is told") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/pids";
  m.run("one", {"runaway", file, "sleep"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 1; }));
  m.launcher->stop("one", {SIGTERM, 300ms});
  auto ended = m.expect(kind::exited);
  CHECK(ended.exit == 128 + SIGTERM);
  CHECK(ended.too_slow);
  CHECK(eventually([&] { return !runs(numbers_in(file).at(0)); }));
}

TEST_CASE("a stop goes on without the agent, and whatever the next one says of it") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/pids";
  auto program = m.run("one", {"runaway", file, "sleep"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 1; }));
  m.launcher->stop("one", {SIGTERM, 500ms});
  REQUIRE(eventually([&] { return !runs(program.pid); }));
  SUBCASE("no other one comes") {
    m.launcher.reset();
    CHECK(eventually([&] { return !runs(numbers_in(file).at(0)); }));
    CHECK(m.restart().front().exit == 128 + SIGTERM);
  }
  SUBCASE("one that tells it to stop within more time") {
    CHECK(m.restart().front().running);
    m.launcher->stop("one", {SIGTERM, 1h});
    CHECK(m.expect(kind::exited).too_slow);
    CHECK(eventually([&] { return !runs(numbers_in(file).at(0)); }));
  }
}

TEST_CASE("a starter that knows no such stop gets a signal for the program and its group") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.run("one", {"sleep"});
  auto path = state_path(m.where.instance("one"));
  std::filesystem::resize_file(path, starter::least_state);
  auto state = read_state(m.where.instance("one"));
  REQUIRE(state);
  CHECK(state->knows == 0);
  CHECK(state->what == starter::phase::running);
  m.launcher->stop("one", {SIGTERM, 20s});
  CHECK(m.expect(kind::exited).exit == 128 + SIGTERM);
}

TEST_CASE("SIGTERM to the starter by a stranger ends the instance as a whole") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto program = m.run("one", {"ignore-term", "sleep"});
  ::kill(static_cast<pid_t>(parent_of(program.pid)), SIGTERM);
  CHECK_FALSE(m.expect(kind::exited).exit);
  m.expect(kind::gone);
  CHECK_FALSE(runs(program.pid));
}

TEST_CASE("when the starter is killed, the program dies with it and what it left is swept up") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/pids";
  auto program = m.run("one", {"runaway", file, "sleep"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 1; }));
  ::kill(static_cast<pid_t>(parent_of(program.pid)), SIGKILL);
  CHECK(m.expect(kind::gone).problem.empty());
  CHECK_FALSE(runs(program.pid));
  CHECK_FALSE(runs(numbers_in(file).at(0)));
  m.reserved.clear();
}

TEST_CASE("why a program is not started is said in words") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto home = m.where.home("one");
  auto problem_with = [&](const std::string& binary) {
    auto order = machine::order("one", {});
    order.binary = binary;
    m.launcher->launch(order);
    auto problem = m.expect(kind::not_started).problem;
    m.kill("one");
    m.reserve("one");
    return problem;
  };
  CHECK(problem_with("missing") == "cannot run " + home + "/missing: there is no such file");
  CHECK(problem_with("../other") == "\"../other\" is not a path below the instance's directory");
  write(home + "/text", "no program");
  std::filesystem::permissions(home + "/text", std::filesystem::perms{0755});
  CHECK(problem_with("text")
        == "cannot run " + home
             + "/text: it is neither a program for this machine nor a script that begins with #!");
  write(home + "/script", "#!/no/such/shell\n");
  std::filesystem::permissions(home + "/script", std::filesystem::perms{0755});
  CHECK(problem_with("script")
        == "cannot run " + home
             + "/script: the interpreter or loader that it names is not on this machine");
  write(home + "/data", "x");
  std::filesystem::permissions(home + "/data", std::filesystem::perms{0644});
  CHECK(problem_with("data")
        == "cannot run " + home + "/data: it is not executable for the user it runs as");

  m.launcher->launch(machine::order("unknown", {}));
  CHECK(m.expect(kind::not_started).problem == "nothing is reserved for instance unknown");
  m.reserve("bare");
  m.launcher->launch(machine::order("bare", {}));
  CHECK(m.expect(kind::not_started).problem.find("unpack it first") != std::string::npos);
}

TEST_CASE("a failed start can be repaired and tried again under the same starter") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto path = m.where.home("one") + "/late";
  auto order = machine::order("one", {"exit", "0"});
  order.binary = "late";
  m.launcher->launch(order);
  m.expect(kind::not_started);
  std::filesystem::copy(m.where.home("one") + "/program", path);
  m.launcher->launch(order);
  m.expect(kind::started);
  CHECK(m.expect(kind::exited).exit == 0);
}

TEST_CASE("a full disk is told instead of a program that nobody can account for") {
  if (!is_root()) {
    MESSAGE("skipped: a small file system can be mounted by root only");
    return;
  }
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto directory = m.where.instance("one");
  REQUIRE(std::system(("mount -t tmpfs -o size=64k,mode=711 none " + directory).c_str()) == 0);
  write(directory + "/filler", std::string(128 * 1024, 'x'));
  m.launcher->launch(machine::order("one", {"sleep"}));
  auto problem = m.expect(kind::not_started).problem;
  CHECK(problem == "cannot write " + directory + "/state: No space left on device");
  std::filesystem::remove(directory + "/filler");
  m.launcher->launch(machine::order("one", {"sleep"}));
  CHECK(m.expect(kind::not_started).problem.find("unpack it first") != std::string::npos);
  m.kill("one");
  REQUIRE(std::system(("umount " + directory).c_str()) == 0);
}

TEST_CASE(
  "instances outlive the launcher, and the next one finds the same processes and their exits") {
  scratch root;
  machine m{root.path};
  auto ports = m.prepare("one", 2).ports;
  m.prepare("two", 1);
  m.prepare("waiting", 1);
  auto one = m.run("one", {"sleep"});
  auto two = m.run("two", {"sleep"});
  m.launcher.reset();
  ::kill(static_cast<pid_t>(two.pid), SIGUSR1);
  REQUIRE(eventually([&] { return !runs(two.pid); }));
  auto found = m.restart();
  REQUIRE(found.size() == 3);
  CHECK(found[0].id == "one");
  CHECK(found[0].running);
  CHECK(found[0].pid == one.pid);
  CHECK(found[0].started_at == one.started_at);
  CHECK(found[0].granted.ports == ports);
  CHECK_FALSE(found[0].exit);
  CHECK(found[1].id == "two");
  CHECK((found[1].exit ? found[1].exit : m.expect(kind::exited).exit) == 128 + SIGUSR1);
  CHECK(found[1].granted.ports.size() == 1);
  CHECK(found[2].id == "waiting");
  CHECK_FALSE(found[2].running);
  CHECK(found[2].granted.ports.empty());

  CHECK(m.launcher->reserve("one", 2, true)->ports == ports);
  auto again = m.run("two", {});
  CHECK(again.pid != two.pid);
  m.launcher->stop("one", {.signal = SIGTERM});
  CHECK(m.expect(kind::exited).exit == 128 + SIGTERM);
  m.kill("one");
}

TEST_CASE("kill -9 of the agent leaves its instances running") {
  scratch root;
  auto* agent
    = popen(fmt::format("echo $$; exec {} {} 3", built("small_agent"), root.path).c_str(), "r");
  int agent_pid = 0;
  REQUIRE(std::fscanf(agent, "%d", &agent_pid) == 1);
  std::array<long long, 3> pids{};
  std::array<int, 3> ports{};
  for (std::size_t n = 0; n < 3; ++n)
    REQUIRE(std::fscanf(agent, "%*s %lld %d", &pids[n], &ports[n]) == 2);
  ::kill(agent_pid, SIGKILL);
  // Nobody holds the agent's output: it would not end before.
  pclose(agent);
  CHECK(runs(pids[0]));
  ::kill(static_cast<pid_t>(pids[0]), SIGTERM);
  REQUIRE(eventually([&] { return !runs(pids[0]); }));

  machine m{root.path};
  auto found = m.launcher->recover();
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  for (std::size_t n = 0; n < 3; ++n) {
    auto& f = (*found)[n];
    m.reserved.push_back(f.id);
    REQUIRE(f.granted.ports.size() == 1);
    CHECK(f.granted.ports[0] == ports[n]);
    if (n > 0) {
      CHECK(f.running);
      CHECK(f.pid == pids[n]);
    } else {
      // Its starter may just have been about to note the end.
      CHECK((f.exit ? f.exit : m.expect(kind::exited).exit) == 128 + SIGTERM);
    }
  }
}

TEST_CASE("an agent that is killed at any moment never leaves two programs of one instance") {
  scratch root;
  std::mt19937 random{20260131};
  for (int round = 0; round < 40; ++round) {
    auto command = fmt::format("echo $$; exec {} {} 4", built("small_agent"), root.path);
    auto* agent = popen(command.c_str(), "re");
    int pid = 0;
    REQUIRE(std::fscanf(agent, "%d", &pid) == 1);
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 60'000});
    ::kill(pid, SIGKILL);
    pclose(agent);
    for (const auto& program : processes_below(root / "lib/instances"))
      CHECK_MESSAGE(program.second.size() == 1, program.first);
  }
  machine m{root.path};
  auto found = m.launcher->recover();
  REQUIRE(found);
  CHECK(found->size() == 4);
  for (const auto& f : *found)
    m.reserved.push_back(f.id);
}

TEST_CASE("what a killed starter left is swept up by the next agent") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  auto file = drop_box(root) + "/pids";
  auto program = m.run("one", {"runaway", file, "sleep"});
  REQUIRE(eventually([&] { return numbers_in(file).size() == 1; }));
  m.launcher.reset();
  ::kill(static_cast<pid_t>(parent_of(program.pid)), SIGKILL);
  REQUIRE(eventually([&] { return !runs(program.pid); }));
  CHECK(runs(numbers_in(file).at(0)));
  auto found = m.restart();
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].running);
  CHECK_FALSE(found[0].exit);
  CHECK_FALSE(runs(numbers_in(file).at(0)));
}

TEST_CASE("no two instances of any agents on the host get one port or one user") {
  scratch root;
  std::vector<std::unique_ptr<machine>> agents;
  for (int n = 0; n < 20; ++n)
    agents.push_back(std::make_unique<machine>(root / std::to_string(n)));
  std::mutex mutex;
  std::multiset<int> ports;
  std::multiset<std::int64_t> users;
  std::vector<std::thread> threads;
  for (auto& agent : agents)
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        auto granted = agent->launcher->reserve("i" + std::to_string(n), 3, true);
        std::lock_guard lock{mutex};
        agent->reserved.push_back("i" + std::to_string(n));
        if (granted) {
          ports.insert(granted->ports.begin(), granted->ports.end());
          users.insert(granted->uid);
        }
      }
    });
  for (auto& t : threads)
    t.join();
  CHECK(ports.size() == 300);
  CHECK(std::set<int>{ports.begin(), ports.end()}.size() == 300);
  CHECK(*ports.begin() >= 4100);
  CHECK(std::set<std::int64_t>{users.begin(), users.end()}.size() == (is_root() ? 100 : 1));
}

TEST_CASE("a port that something listens on is not given out") {
  scratch root;
  machine m{root.path};
  std::uint16_t port = 0;
  owned_fd socket;
  // Other agents on this host may be quicker to take it.
  REQUIRE(eventually([&] {
    port = m.reserve("one", 1).ports.at(0);
    m.kill("one");
    socket = occupy(port);
    return static_cast<bool>(socket);
  }));
  CHECK(m.reserve("one", 1).ports.at(0) != port);
}

TEST_CASE("a port that another process took while the program was down is exchanged") {
  scratch root;
  machine m{root.path};
  auto mine = m.prepare("one", 1);
  m.run("one", {"exit", "0"});
  m.expect(kind::exited);
  CHECK(m.launcher->reserve("one", 1, true)->taken == 0);
  auto thief = occupy(mine.ports.at(0));
  REQUIRE(thief);
  auto told = m.launcher->reserve("one", 1, true);
  REQUIRE(told);
  CHECK(told->ports == mine.ports);
  CHECK(told->taken == mine.ports.at(0));
  m.kill("one");
  auto other = m.launcher->reserve("one", 1, true);
  REQUIRE(other);
  CHECK(other->taken == 0);
  CHECK(other->ports != mine.ports);
  m.kill("one");
}

TEST_CASE("a port that the program itself has is not taken") {
  scratch root;
  machine m{root.path};
  auto mine = m.prepare("one", 1);
  m.run("one", {"sleep"});
  auto own = occupy(mine.ports.at(0));
  REQUIRE(own);
  CHECK(m.launcher->reserve("one", 1, true)->taken == 0);
  m.kill("one");
}

TEST_CASE("a grant is kept through restarts of the program and free after the end") {
  scratch root;
  machine m{root.path};
  machine other{root / "other"};
  auto mine = m.prepare("one", 1);
  m.run("one", {"exit", "0"});
  m.expect(kind::exited);
  auto theirs = other.reserve("one", 1);
  CHECK(theirs.ports != mine.ports);
  m.kill("one");
  // Unless yet another agent on this host has it just now.
  CHECK(eventually([&] {
    other.kill("one");
    return other.reserve("one", 1).ports <= mine.ports;
  }));
}

TEST_CASE("an instance is removed, but not while something of it runs, and its log is kept") {
  scratch root;
  machine m{root.path};
  m.prepare("one");
  m.run("one", {"print", "x", "sleep"});
  arrivals<deployminator::messages::result<void>> done;
  auto remove = [&] {
    deployminator::messages::kept_log last;
    last.instance = "one";
    last.reason = "ended";
    m.launcher->remove(last, [&](auto r) { done.put(std::move(r)); });
    return done.next();
  };
  auto refused = remove();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "instance one cannot be removed while something of it runs");
  REQUIRE(eventually([&] { return m.output("one") == "x\n"; }));
  m.kill("one");
  CHECK(remove());
  CHECK_FALSE(std::filesystem::exists(m.where.instance("one")));
  CHECK(m.output("one") == "x\n");
  auto end = end_of(m.where.log, "one");
  REQUIRE(end);
  CHECK(end->reason == "ended");
  CHECK(end->gone_at);
  CHECK(remove());
  m.prepare("one");
  m.run("one", {"print", "y", "sleep"});
  CHECK_FALSE(end_of(m.where.log, "one"));
  CHECK(eventually([&] { return m.output("one") == "x\ny\n"; }));
}

TEST_CASE("a second agent on the same directories is refused") {
  scratch root;
  machine m{root.path};
  auto refusal = "another autodeployer is running on " + m.where.lib + " (it holds ";
  auto second = take(m.where);
  REQUIRE_FALSE(second);
  CHECK(second.error().message == refusal + m.where.lib + "/lock)");
  std::filesystem::remove(m.where.lib + "/lock");
  auto third = take(m.where);
  REQUIRE_FALSE(third);
  CHECK(third.error().message == refusal + m.where.lib + ")");
}

TEST_CASE("directories that the instances' users cannot reach are refused") {
  if (!is_root()) {
    MESSAGE("skipped: only root runs instances as users of their own");
    return;
  }
  scratch root;
  std::filesystem::permissions(root.path, std::filesystem::perms{0700});
  auto refused = take(directories_below(root.path));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("is closed to others (mode 700)") != std::string::npos);
}

TEST_CASE("killing what is not there is answered too") {
  scratch root;
  machine m{root.path};
  m.kill("never-heard-of");
}

TEST_CASE("a starter costs little memory, also when its program has printed much") {
  scratch root;
  machine m{root.path};
  constexpr int count = 20;
  std::vector<std::int64_t> starters;
  for (int n = 0; n < count; ++n) {
    auto id = "i" + std::to_string(n);
    m.prepare(id);
    starters.push_back(parent_of(m.run(id, {"flood", "20000", "print", "done", "sleep"}).pid));
    REQUIRE(eventually([&] { return m.output(id).ends_with("done\n"); }));
  }
  long all = 0;
  for (auto pid : starters) {
    std::ifstream in{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
    for (std::string word; in >> word;)
      if (word == "Pss:") {
        long kilobytes = 0;
        in >> kilobytes;
        all += kilobytes;
      }
  }
  MESSAGE("PSS of each of ", count, " starters: ", all / count, " kB");
  CHECK(all / count <= 100);
}
