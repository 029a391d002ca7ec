#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sys/wait.h>

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// What a run of the program left behind.
struct ending {
  /// -1: it had to be killed after the deadline.
  int exit = -1;
  std::string out;
  std::string err;
  std::chrono::steady_clock::duration took{};
};

/// A directory that goes with the test, and the program in it.
class workplace {
public:
  workplace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "deploy-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    where_ = pattern;
  }
  ~workplace() {
    std::filesystem::remove_all(where_);
  }
  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;

  std::string file(const std::string& name, const std::string& content) const {
    auto path = where_ / name;
    std::ofstream{path, std::ios::binary} << content;
    return path.string();
  }

  ending run(std::vector<std::string> arguments) const {
    auto out = (where_ / "stdout").string();
    auto err = (where_ / "stderr").string();
    auto begun = std::chrono::steady_clock::now();
    auto pid = spawn(std::move(arguments), out, err);
    ending e;
    e.exit = wait_for(pid);
    e.took = std::chrono::steady_clock::now() - begun;
    e.out = content_of(out);
    e.err = content_of(err);
    return e;
  }

private:
  static pid_t spawn(std::vector<std::string> arguments, const std::string& out,
                     const std::string& err) {
    arguments.insert(arguments.begin(), DEPLOY_PROGRAM);
    setenv("DEPLOY_KEYS", "none", 1);
    std::vector<char*> argv;
    for (auto& each : arguments)
      argv.push_back(each.data());
    argv.push_back(nullptr);
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), flags, 0600);
    pid_t pid = 0;
    int failed = posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    REQUIRE(failed == 0);
    return pid;
  }

  static int wait_for(pid_t pid) {
    int status = 0;
    for (auto until = std::chrono::steady_clock::now() + 20s;
         std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(10ms))
      if (waitpid(pid, &status, WNOHANG) == pid)
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
  }

  std::filesystem::path where_;
};

/// A free port nobody listens on.
const std::string nobody = "tcp://127.0.0.1:9";

const std::string good_file = R"(namespace: shop
groups:
  - groupid: web
    applications:
      - repository: demo
        downloadurl: http://127.0.0.1/web-${BUILDID}.tar
        binary: bin/web
        instances: 2
)";

} // namespace

TEST_CASE_FIXTURE(workplace, "a server that is not there is told within the deadline, with 3") {
  auto e = run({"--server", nobody, "status"});
  CHECK(e.exit == 3);
  CHECK(e.took < 8s);
  CHECK(e.out.empty());
  CHECK(e.err.find("no server answers at " + nobody) != std::string::npos);
}

TEST_CASE_FIXTURE(workplace, "a key file that is not there is told, with what to do, with 2") {
  auto e = run({"--keys", "/nowhere/deploy.key", "status"});
  CHECK(e.exit == 2);
  CHECK(e.err.find("/nowhere/deploy.key cannot be read: No such file") != std::string::npos);
  CHECK(e.err.find("`deploy key new`") != std::string::npos);
}

TEST_CASE_FIXTURE(workplace, "with --json the same is a document on stdout") {
  auto e = run({"--json", "--server", nobody, "undeploy", "shop/web"});
  CHECK(e.exit == 3);
  CHECK(e.err.empty());
  auto document = json::parse(e.out);
  CHECK(document["error"]["code"] == "unreachable");
  CHECK(document["error"]["message"].get<std::string>().find(nobody) != std::string::npos);
  CHECK_FALSE(document["error"]["hint"].get<std::string>().empty());
}

TEST_CASE_FIXTURE(workplace, "wrong usage ends with 2 and one sentence, before anything is sent") {
  const std::vector<std::vector<std::string>> wrong{
    {},
    {"no-such-verb"},
    {"--no-such-flag", "status"},
    {"status", "a/b/c"},
    {"instances", "a/b/c"},
    {"watch", "a/b/c"},
    {"versions"},
    {"version", "shop/web"},
    {"version", "shop/web", "new"},
    {"version", "shop/web", "0"},
    {"rollback", "shop/web", "--to", "-1"},
    {"rollback", "shop/web", "--timeout", "5"},
    {"undeploy"},
    {"stop"},
    {"restart", "shop"},
    {"promote", "shop/web/app"},
    {"logs"},
    {"logs", "a/b/c"},
    {"logs", "web-1\nof two lines"},
    {"events", "--since", "yesterday"},
    {"new-build", "deploy.yaml"},
    {"new-build", "deploy.yaml", "--build", "-1"},
    {"new-build", "deploy.yaml", "--build", "1", "--sha256", "abc"},
    {"new-build", "/no/such/file", "--build", "1"},
    {"validate", "/"},
  };
  for (const auto& each : wrong) {
    auto e = run(each);
    CAPTURE(fmt::format("{}", fmt::join(each, " ")));
    CHECK(e.exit == 2);
    CHECK(e.out.empty());
    CHECK(e.err.starts_with("deploy: "));
  }
}

TEST_CASE_FIXTURE(workplace, "a verb or flag that does not exist is told with the one meant") {
  auto said = [&](const std::vector<std::string>& words) { return run(words).err; };
  CHECK(said({"staus"})
        == "deploy: unknown verb \"staus\"; did you mean status?\n"
           "  see deploy --help\n");
  CHECK(said({"new-build", "f", "--biuld", "3"})
        == "deploy: unknown flag \"--biuld\"; did you mean --build?\n"
           "  see deploy new-build --help\n");
  CHECK(said({"key", "nwe"})
        == "deploy: unknown verb \"nwe\"; did you mean new?\n"
           "  see deploy key --help\n");
  CHECK(said({"key"})
        == "deploy: what to do is missing: key takes `new`, `list` or `revoke`\n"
           "  see deploy key --help\n");
  CHECK(said({"status", "a", "b"})
        == "deploy: unexpected argument \"b\"\n"
           "  see deploy status --help\n");
  CHECK(said({"rollback", "a/b", "--to"})
        == "deploy: --to needs a value\n"
           "  see deploy rollback --help\n");
}

TEST_CASE_FIXTURE(workplace, "with --json wrong usage is a document on stdout") {
  for (const auto& words : std::vector<std::vector<std::string>>{
         {"--json", "staus"}, {"staus", "--json"}, {"--json", "--server", "nonsense", "status"}}) {
    auto e = run(words);
    CAPTURE(fmt::format("{}", fmt::join(words, " ")));
    CHECK(e.exit == 2);
    CHECK(e.err.empty());
    CHECK(json::parse(e.out)["error"]["code"] == "invalid");
  }
}

TEST_CASE_FIXTURE(workplace, "each verb's help has an example and its exit codes") {
  for (const char* verb :
       {"new-build", "validate", "watch",    "status", "instances", "versions", "machines",
        "ports",     "version",  "rollback", "stop",   "start",     "restart",  "undeploy",
        "promote",   "abort",    "pause",    "resume", "logs",      "events"}) {
    auto e = run({verb, "--help"});
    CAPTURE(verb);
    CHECK(e.exit == 0);
    CHECK(e.out.find("Example: deploy ") != std::string::npos);
    CHECK(e.out.find("Exit codes: ") != std::string::npos);
  }
  CHECK(run({"--help"}).exit == 0);
  CHECK(run({"--version"}).out.starts_with("deploy "));
}

TEST_CASE_FIXTURE(workplace, "a good file is valid, for people and for programs") {
  auto name = file("deploy.yaml", good_file);
  auto e = run({"validate", name});
  CHECK(e.exit == 0);
  CHECK(e.out == name + ": ok, 1 application in 1 group\n");
  CHECK(e.err.empty());
  auto document = json::parse(run({"--json", "validate", name}).out);
  CHECK(document == json{{"valid", true}, {"mistakes", json::array()}, {"remarks", json::array()}});
}

TEST_CASE_FIXTURE(workplace, "every mistake of a file is told with its place") {
  auto text = good_file;
  text.replace(text.find("instances: 2"), 12, "instances: -2");
  text.replace(text.find("binary:"), 7, "binaru:");
  auto name = file("deploy.yaml", text);
  auto e = run({"validate", name});
  CHECK(e.exit == 2);
  CHECK(e.out.empty());
  CHECK(e.err.find(name + ":7:9: ") != std::string::npos);
  CHECK(e.err.find(name + ":8:20: ") != std::string::npos);

  e = run({"validate", "--json", name});
  CHECK(e.exit == 2);
  auto document = json::parse(e.out);
  CHECK(document["valid"] == false);
  REQUIRE(document["mistakes"].size() >= 2);
  CHECK(document["mistakes"][0]["file"] == name);
  CHECK(document["mistakes"][0]["line"].is_number_unsigned());
}

TEST_CASE_FIXTURE(workplace, "a build with a wrong file is refused here, without asking a server") {
  auto name = file("deploy.yaml", "groups: 5\n");
  auto e = run({"--server", nobody, "new-build", name, "--build", "1"});
  CHECK(e.exit == 2);
  CHECK(e.took < 3s);
  CHECK(e.err.find(name + ":1:") != std::string::npos);

  e = run({"--json", "--server", nobody, "new-build", name, "--build", "1"});
  CHECK(e.exit == 2);
  auto document = json::parse(e.out);
  CHECK(document["error"]["code"] == "invalid");
  CHECK(document["error"]["mistakes"].size() >= 1);
}
