#include "deploy-configs/deploy_file.hpp"
#include "messages/known_strategies.hpp"
#include "test/deploy-configs/examples.hpp"

#include <algorithm>
#include <string>

namespace deployminator::configs {

namespace {

using messages::application;
using std::chrono::milliseconds;

/// A text and what is said of it.
struct wrong_file {
  std::string text;
  std::string said;
};

void check_all(const std::vector<wrong_file>& table) {
  for (const auto& each : table) {
    CAPTURE(each.text);
    CHECK(mistakes_of(each.text) == (each.said.empty() ? "" : each.said + "\n"));
  }
}

/// The same for lines of an application.
void check_all_in_application(const std::vector<wrong_file>& table) {
  for (const auto& each : table) {
    CAPTURE(each.text);
    CHECK(mistakes_of(in_application(each.text)) == (each.said.empty() ? "" : each.said + "\n"));
  }
}

// -- what loads -----------------------------------------------------------------------------------

TEST_CASE("every strategy has an example that uses it") {
  for (const auto& strategy : messages::known_strategies()) {
    CAPTURE(strategy);
    auto file = read_valid(example(strategy + ".yaml"));
    REQUIRE(file.groups.size() == 1);
    CHECK(file.groups[0].applications[0].strategy == strategy);
    CHECK(file.remarks.empty());
  }
}

TEST_CASE("the example of spread says what its comments say") {
  auto app = read_application_of(example("spread.yaml"));
  CHECK(app.name == "web");
  CHECK(app.instances == 3);
  CHECK_FALSE(app.per_machine);
  CHECK(app.rollout.parallel == messages::parallelism{1, false});
  CHECK(app.min_ready == milliseconds{10'000});
  CHECK(app.rollout.deadline == milliseconds{120'000});
  CHECK(app.env.at("LOG_LEVEL") == "info");
  CHECK(app.limits.max_memory_mb == 2000);
  CHECK(app.limits.max_kill_memory_mb == 1000U);
  CHECK(app.limits.cpu_percent == 200U);
  CHECK(app.limits.processes == 256U);
  CHECK(app.limits.open_files == 4096U);
}

TEST_CASE("the example of one-per-machine says what its comments say") {
  auto app = read_application_of(example("one-per-machine.yaml"));
  CHECK(app.name == "node-exporter/node_exporter");
  CHECK(app.instances == 1);
  CHECK(app.machine_groups == std::vector<std::string>{"worker", "db"});
  CHECK(app.rollout.parallel == messages::parallelism{25, true});
  CHECK(app.restart.give_up_count == 5);
  CHECK(app.restart.give_up_window == std::chrono::minutes{10});
  CHECK(app.stop.timeout == milliseconds{5'000});
  REQUIRE(app.services.size() == 1);
  CHECK(app.services[0] == messages::service{"node.Metrics", 1, {"http"}});
}

TEST_CASE("every key of the original files is read") {
  auto file = read_valid(example("seed.yaml"));
  REQUIRE(file.groups.size() == 2);
  CHECK(file.groups[0].namespace_ == "other");
  CHECK(file.groups[0].name == "testing");
  REQUIRE(file.groups[0].applications.size() == 3);
  application expected;
  expected.name = "dist/timeseries-server";
  expected.repository = "timeseries";
  expected.download_url = "https://builds.example/${BUILDID}/dist.tar.bz2";
  expected.download_user = "ci";
  expected.download_password = "secret";
  expected.binary = "dist/timeseries-server";
  expected.args = {"-port=${PORT1}", "-http_port=${PORT2}"};
  expected.instances = 2;
  expected.limits.priority = 4;
  expected.services = {{"timeseries.Store", 1, {"grpc", "status"}}};
  CHECK(file.groups[0].applications[0] == expected);
  CHECK(file.groups[0].applications[1].repository == "42");
  CHECK(file.groups[0].applications[1].machine_groups == std::vector<std::string>{"worker"});
  CHECK(file.groups[0].applications[1].restart.policy == messages::restart_policy::on_failure);
  CHECK(file.groups[0].applications[2].artifact_id == "timeseries-tools");
  CHECK(file.groups[1].namespace_ == "timeseries");
  CHECK(file.groups[1].name == "minimal");
  CHECK(file.groups[1].applications[0].limits.max_memory_mb == 10'000);
  CHECK(to_lines(file.undeployable)
        == "49:9: `timeseries` has no `downloadurl`; it cannot be deployed without one\n");
}

TEST_CASE("the seed's first fragment loads and is told to lack a downloadurl") {
  auto file = read_valid("namespace: timeseries\n"
                         "groups:\n"
                         " - groupid: testing\n"
                         "   applications:\n"
                         "    - repository: timeseries\n"
                         "      limits:\n"
                         "       maxmemory: 10000\n");
  REQUIRE(file.groups.size() == 1);
  CHECK(file.groups[0].applications[0].name == "timeseries");
  CHECK(file.groups[0].applications[0].limits.max_memory_mb == 10'000);
  CHECK(to_lines(file.undeployable)
        == "5:7: `timeseries` has no `downloadurl`; it cannot be deployed without one\n");
}

TEST_CASE("an application that gives nothing but its binary has every default") {
  application expected;
  expected.name = "b";
  expected.binary = "b";
  expected.limits.bounds_address_space = false;
  auto app = read_application_of(in_application(""));
  CHECK(app == expected);
  CHECK(app.limits.max_memory_mb == 3000);
  CHECK(app.always_on);
  CHECK(app.strategy == messages::known_strategies().front());
}

TEST_CASE("empty values count as absent") {
  auto empty = read_application_of(in_application("args:\nenv: ~\nmachines:\ninstances:\n"
                                                  "repository:\nrollout:\nhealth:\nautoregs:\n"
                                                  "limits: {maxmemory: 0}\n"));
  auto absent = read_application_of(in_application(""));
  CHECK(empty == absent);
}

TEST_CASE("keys match in any case, variables of env do not change theirs") {
  auto app = read_application_of(
    in_application("DownloadURL: /srv/b\nInstancesMeansPerAutodeployer: true\nMax_Per_Machine: 2\n"
                   "ENV: {Key: 1, KEY: 2}\nLimits: {MaxMemory: 7}"));
  CHECK(app.download_url == "/srv/b");
  CHECK(app.per_machine);
  CHECK(app.max_per_machine == 2);
  CHECK(app.env == std::map<std::string, std::string>{{"Key", "1"}, {"KEY", "2"}});
  CHECK(app.limits.max_memory_mb == 7);
}

TEST_CASE("anchors, aliases and merge keys are followed, and what stands in the map itself wins") {
  auto file = read_valid("namespace: n\n"
                         "groups:\n"
                         "  - groupid: g\n"
                         "    applications:\n"
                         "      - &base\n"
                         "        name: a\n"
                         "        binary: b\n"
                         "        env: &env {A: 1, B: 2}\n"
                         "        instances: 2\n"
                         "      - <<: *base\n"
                         "        name: c\n"
                         "        env: {<<: [*env], B: 3}\n");
  const auto& apps = file.groups[0].applications;
  REQUIRE(apps.size() == 2);
  CHECK(apps[1].name == "c");
  CHECK(apps[1].instances == 2);
  CHECK(apps[1].env == std::map<std::string, std::string>{{"A", "1"}, {"B", "3"}});
}

TEST_CASE("an application without binary is its plain download, or its repository") {
  auto file = read_valid("namespace: n\n"
                         "groups:\n"
                         "  - groupid: g\n"
                         "    applications:\n"
                         "      - downloadurl: https://x.example/${BUILDID}/server?a=/b\n"
                         "      - downloadurl: /srv/tool-${BUILDID}\n"
                         "        binary: \"\"\n"
                         "      - {repositoryid: 7}\n");
  const auto& apps = file.groups[0].applications;
  CHECK(apps[0].name == "server");
  CHECK(apps[0].binary == "server");
  CHECK(apps[1].name == "tool-${BUILDID}");
  CHECK(apps[2].name == "7");
}

TEST_CASE("an application is a program itself, or what a program of the machine runs") {
  auto file
    = read_valid("namespace: n\n"
                 "groups:\n"
                 "  - groupid: g\n"
                 "    applications:\n"
                 "      - {downloadurl: /srv/app.tar, interpreter: [java, -jar], binary: a.jar}\n"
                 "      - {downloadurl: /srv/job.py, interpreter: [/usr/bin/python3]}\n"
                 "      - {downloadurl: /srv/b.tar, interpreter: [node, .]}\n"
                 "      - {downloadurl: /srv/c.tar, binary: dist/c}\n");
  const auto& apps = file.groups[0].applications;
  CHECK(apps[0].interpreter == std::vector<std::string>{"java", "-jar"});
  CHECK(apps[0].binary == "a.jar");
  CHECK(apps[1].name == "job.py");
  CHECK(apps[1].binary == "job.py");
  CHECK(apps[1].interpreter == std::vector<std::string>{"/usr/bin/python3"});
  CHECK(apps[2].name == "node");
  CHECK(apps[2].binary.empty());
  CHECK(apps[3].interpreter.empty());
  const std::string expected
    = "expected the name of a program of the machine, such as `java`, or its absolute path";
  auto interpreter = [](const std::string& text) {
    return "namespace: n\ngroups: [{groupid: g, applications: [{name: x, interpreter: [" + text
           + "]}]}]\n";
  };
  check_all({
    {interpreter("'java -jar'"),
     "2:62: `interpreter` begins with `java -jar`, which holds a blank; " + expected
       + ", and what follows it as the next entry"},
    {interpreter("bin/run"), "2:62: `interpreter` begins with `bin/run`, which is a relative path; "
                               + expected + ", or `binary` for a program of the archive"},
    {interpreter("/usr/bin/"),
     "2:62: `interpreter` begins with `/usr/bin/`, which names a directory; " + expected},
    {interpreter("java, '-Dp=${PORT1}'"),
     "2:68: this entry of `interpreter` is `-Dp=${PORT1}`, which holds a variable; expected "
     "variables in `args` only"},
    {interpreter("[java]"), "2:62: this entry of `interpreter` is a list; expected a text"},
  });
  check_all_in_application(
    {{"interpreter: java",
      "6:22: `interpreter` is a single value; expected a list such as [java, -jar]"}});
}

TEST_CASE("restart, stop and rollout are read in every way they can be written") {
  auto app = read_application_of(in_application(
    "alwayson: false\nrestart: {policy: Never, backoff: 500ms .. 2h, give_up_after: never}\n"
    "stop: {signal: sigint, timeout: 0s, to: All}\n"
    "rollout: {order: start-first, parallel: 100%, canary: 0, auto_revert: true, min_ready: 0s}"));
  CHECK(app.restart.policy == messages::restart_policy::never);
  CHECK(app.restart.backoff_min == milliseconds{500});
  CHECK(app.restart.backoff_max == milliseconds{7'200'000});
  CHECK(app.restart.give_up_count == 0);
  CHECK(app.stop.signal == 2);
  CHECK(app.stop.timeout == milliseconds{0});
  CHECK(app.stop.to == messages::stop_target::all);
  CHECK(app.rollout.parallel == messages::parallelism{100, true});
  CHECK(app.min_ready == milliseconds{0});
  CHECK(app.rollout.order == messages::rollout_order::start_first);
  app = read_application_of(
    in_application("rollout: {order: Stop-First, canary: 2, auto_revert: no, parallel: 3}"));
  CHECK(app.rollout.order == messages::rollout_order::stop_first);
  CHECK(app.rollout.canary == 2);
  CHECK_FALSE(app.rollout.auto_revert);
  CHECK(app.stop.to == messages::stop_target::main);
  check_all_in_application(
    {{"stop: {to: group}", "6:20: `to` is `group`; expected `main` or `all`"}});
}

TEST_CASE("a job says whether a rollback runs it again, and nothing else does") {
  CHECK(read_application_of(in_application("alwayson: false\nrerun: true")).rerun);
  CHECK_FALSE(read_application_of(in_application("alwayson: false")).rerun);
  CHECK_FALSE(read_application_of(in_application("rerun: false")).rerun);
  check_all_in_application({
    {"rerun: true", "6:16: `rerun: true` is given to an application that always runs; expected "
                    "`alwayson: false` beside it"},
    {"rerun: often", "6:16: `rerun` is `often`; expected true or false"},
  });
}

TEST_CASE("with `java: true` the binary is a main class") {
  auto java = [](const std::string& more) {
    return "namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: /x.tar, java: true"
           + more + "}]}]\n";
  };
  auto app = read_application_of(java(", binary: com.example.Main"));
  CHECK(app.java);
  CHECK(app.binary == "com.example.Main");
  CHECK(app.name == "com.example.Main");
  check_all({
    {java(""), "2:38: this application has `java: true` and no `binary`; expected the name of its "
               "main class, such as `binary: com.example.Main`"},
    {java(", binary: lib/shop.jar"), "2:80: `binary` is `lib/shop.jar`; expected the name of a "
                                     "main class beside `java: true`, such "
                                     "as `com.example.Main`"},
    {java(", binary: M, interpreter: [java]"),
     "2:96: `interpreter` is given beside `java: true`; expected one of the two, for `java: true` "
     "runs the machine's java"},
  });
}

TEST_CASE("health is read in every way it can be written") {
  auto read
    = [](const std::string& more) { return read_application_of(in_application(more)).health; };
  CHECK(read("") == messages::health_rules{});
  CHECK(read("health: none") == messages::health_rules{});
  CHECK(read("health: {notify: false}") == messages::health_rules{});
  auto http = read("health: {http: /health}");
  CHECK(http.kind == messages::health_kind::http);
  CHECK(http.path == "/health");
  CHECK(http.port == 1);
  CHECK(http.interval == milliseconds{2'000});
  CHECK(http.timeout == milliseconds{1'000});
  CHECK(http.failures == 3);
  CHECK(http.start_within == milliseconds{300'000});
  http = read("rollout: {deadline: 1m}\n"
              "health: {HTTP: '/a?b=c', port: 7, interval: 500ms, timeout: 1m, failures: 1}");
  CHECK(http.path == "/a?b=c");
  CHECK(http.port == 7);
  CHECK(http.interval == milliseconds{500});
  CHECK(http.timeout == milliseconds{60'000});
  CHECK(http.failures == 1);
  CHECK(http.start_within == milliseconds{60'000});
  auto tcp = read("health: {tcp: 2}");
  CHECK(tcp.kind == messages::health_kind::tcp);
  CHECK(tcp.port == 2);
  auto notify = read("health: {notify: true, watchdog: 30s}");
  CHECK(notify.kind == messages::health_kind::notify);
  CHECK(notify.watchdog == milliseconds{30'000});
  auto exec = read("health: {exec: [check, -q, '${PORT1}']}");
  CHECK(exec.kind == messages::health_kind::exec);
  CHECK(exec.exec == std::vector<std::string>{"check", "-q", "${PORT1}"});
}

TEST_CASE("mistakes in health are told where they are") {
  check_all_in_application({
    {"health: often",
     "6:17: `health` is `often`; expected `none`, or a map such as {http: /health, port: 1}"},
    {"health: [http]", "6:17: `health` is a list; expected a map of its keys"},
    {"health: {}", "6:17: `health` says no way to check; expected one of `http`, `tcp`, `notify` "
                   "and `exec`"},
    {"health: {interval: 1s}", "6:17: `health` says no way to check; expected one of `http`, "
                               "`tcp`, `notify` and `exec`"},
    {"health: {http: /, tcp: 1}",
     "6:32: `health` has `tcp` beside `http`; expected one of the two"},
    {"health: {http: health}", "6:24: `http` is `health`; expected a path such as /health, without "
                               "blanks, of at most 1024 bytes"},
    {"health: {http: '/a b'}", "6:24: `http` is `/a b`; expected a path such as /health, without "
                               "blanks, of at most 1024 bytes"},
    {"health: {http: /, port: 0}", "6:33: `port` is `0`; expected n of `${PORTn}`, from 1 to 100"},
    {"health: {tcp: http}", "6:23: `tcp` is `http`; expected n of `${PORTn}`, from 1 to 100"},
    {"health: {tcp: 1, port: 2}",
     "6:32: `port` means nothing here; expected it beside `http` only"},
    {"health: {http: /, interval: 10ms}",
     "6:37: `interval` is `10ms`; expected a duration such as 2s, from 100ms"},
    {"health: {http: /, timeout: 5}", "6:36: `timeout` is `5`; expected a duration such as 2s, "
                                      "from 100ms, with its unit: 5s or 5m"},
    {"health: {http: /, failures: 0}",
     "6:37: `failures` is `0`; expected a whole number from 1 to 100"},
    {"health: {http: /, watchdog: 5s}",
     "6:37: `watchdog` means nothing here; expected it beside `notify: true` only"},
    {"health: {notify: true, interval: 5s}",
     "6:42: `interval` means nothing here; expected it beside `http`, `tcp` or `exec` only"},
    {"health: {notify: perhaps}", "6:26: `notify` is `perhaps`; expected true or false"},
    {"health: {exec: check}",
     "6:24: `exec` is a single value; expected a list such as [check, -q]"},
    {"health: {exec: []}", "6:24: `exec` has 0 entries; expected a program and its arguments, at "
                           "most 100 in all"},
    {"health: {exec: [../check]}",
     "6:25: `exec` begins with `../check`, which leaves its directory with `..`; expected the "
     "path of a file inside the archive, such as `dist/server`, or a file name"},
    {"health: {exec: ['${PORT1}']}",
     "6:25: `exec` begins with `${PORT1}`; expected the path of a program in the artifact, or a "
     "program of the machine"},
    {"health: {exec: [check, '${PORT0}']}",
     "6:32: `exec` holds `${PORT0}`; expected `${PORTn}` with n from 1 to 100"},
    {"health: {exec: [check, '${DATA}']}",
     "5:9: this application asks for `${DATA}` and has no `data`; expected `data: NAME` beside it"},
    {"health: {http: /, intervall: 5s}",
     "6:27: unknown key `intervall` in `health`; did you mean `interval`?"},
    {"alwayson: false\nhealth: {http: /}",
     "7:17: `health` is given to a job; expected `alwayson: true` beside it"},
  });
}

TEST_CASE("a duration after which lost instances are replaced, or never, or the farm's rule") {
  auto read = [](const std::string& more) {
    return read_application_of(in_application(more)).replace_after;
  };
  CHECK(read("unreachable: {replace_after: 5m}") == std::chrono::minutes{5});
  CHECK(read("unreachable: {replace_after: Never}") == messages::never_replaced);
  CHECK_FALSE(read(""));
}

TEST_CASE("what asks for nothing that is missing is fine") {
  auto app = read_application_of(
    in_application("java: false\nasroot: no\ncontainer: false\ncritical: false\ndeploytype: ''\n"
                   "statictargetdir: /srv/www\nhealth: none\n"
                   "limits: {maxkillmemory: 0, maxswapmemory: 0}"));
  CHECK(app == read_application_of(in_application("")));
}

TEST_CASE("limits are read, and `unlimited` is one of them") {
  auto read = [](const std::string& limits) {
    return read_application_of(in_application("limits: {" + limits + "}")).limits;
  };
  messages::resource_limits expected;
  expected.max_memory_mb = 7;
  expected.max_kill_memory_mb = 9;
  expected.max_swap_memory_mb = 0;
  expected.cpu_percent = 150;
  expected.processes = 20;
  expected.open_files = 99;
  expected.core_size_mb = 4;
  CHECK(read("maxmemory: 7, maxkillmemory: 9, maxswapmemory: 0, cpu: 150%, processes: 20, "
             "openfiles: 99, coresize: 4")
        == expected);
  auto none = read("maxmemory: unlimited, cpu: Unlimited, processes: unlimited, openfiles: "
                   "unlimited, coresize: unlimited, maxswapmemory: unlimited");
  CHECK_FALSE(none.bounds_address_space);
  CHECK_FALSE(real_memory_mb(none));
  for (const auto& each : {none.cpu_percent, none.processes, none.open_files, none.core_size_mb,
                           none.max_swap_memory_mb})
    CHECK(each == messages::unlimited);
}

TEST_CASE("a file that gives no memory gets 3000 MB of real memory, and any address space") {
  auto read
    = [](const std::string& more) { return read_application_of(in_application(more)).limits; };
  for (const auto* nothing : {"", "limits: {priority: 0}", "limits: {maxmemory: 0}"}) {
    CAPTURE(nothing);
    CHECK_FALSE(read(nothing).bounds_address_space);
    CHECK(real_memory_mb(read(nothing)) == 3000U);
    CHECK(read(nothing).max_memory_mb == 3000);
  }
  auto address_space = read("limits: {maxmemory: 500}");
  CHECK(address_space.bounds_address_space);
  CHECK_FALSE(real_memory_mb(address_space));
  // What it may use is what it is promised.
  auto real = read("limits: {maxkillmemory: 8000}");
  CHECK_FALSE(real.bounds_address_space);
  CHECK(real.max_memory_mb == 8000);
  auto both = read("limits: {maxmemory: 500, maxkillmemory: 200}");
  CHECK(both.max_memory_mb == 500);
  CHECK(real_memory_mb(both) == 200U);
}

TEST_CASE("the sha256 is kept in lower case") {
  std::string hex(64, 'A');
  CHECK(read_application_of(in_application("sha256: " + hex)).sha256 == std::string(64, 'a'));
}

TEST_CASE("a group of the same name in another namespace is another group") {
  auto file = read_valid("groups:\n"
                         "  - {groupid: g, namespace: a, applications: [{binary: b}]}\n"
                         "  - {groupname: g, namespace: b, applications: [{binary: b}]}\n");
  CHECK(file.groups.size() == 2);
}

// -- what does not --------------------------------------------------------------------------------

TEST_CASE("what is no YAML is told with its place") {
  check_all({
    {"a: b\n--- \nc: d\n", "2:1: a second document begins here; expected one document per file"},
    {std::string{"a: b\n\0", 6},
     "2:1: this is no text; expected YAML in UTF-8 without control characters"},
    {"a: b\nc: x\xff\n", "2:5: this is no text; expected YAML in UTF-8 without control characters"},
    {"a: \"x\\0\"\n", "1:4: the text contains a NUL character, which no program can be given"},
    {"just text\n", "1:1: this is a single value; expected a deploy.yaml, written as `key: value`"},
    {"- a\n", "1:1: this is a list; expected a deploy.yaml, written as `key: value`"},
  });
}

TEST_CASE("a file that is empty or too large is told so") {
  check_all({
    {"", "1:1: this file has no group; expected `groups:` with a list of at least one"},
    {"# nothing\n", "1:1: this file has no group; expected `groups:` with a list of at least one"},
    {std::string(1024 * 1024 + 1, '#'),
     "1:1: the file has 1048577 bytes; expected at most 1048576"},
  });
}

TEST_CASE("nesting and aliases have limits") {
  CHECK(mistakes_of(std::string(70, '[') + std::string(70, ']'))
        == "1:65: values are nested more than 64 levels deep; expected at most 64\n");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i)
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
                        i - 1);
  CHECK(mistakes_of(bomb).find("the file holds more than 200000 values here") != std::string::npos);
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i)
    deep += fmt::format("a{0}: &a{0} [*a{1}]\n", i, i - 1);
  CHECK(mistakes_of(deep).find("values are nested more than 64 levels deep") != std::string::npos);
  CHECK(
    mistakes_of("groups: &a [*a]\n")
    == "1:13: this alias stands inside the value it names; expected an alias of a value that is "
       "complete\n");
}

TEST_CASE("a file of nothing but unknown keys is refused quickly and with a bounded answer") {
  std::string text;
  for (int i = 0; text.size() < 500'000; ++i)
    text += fmt::format("k{}: x\n", i);
  auto result = read_deploy_file(text);
  CHECK(std::get<std::vector<mistake>>(result).size() == 1000);
}

TEST_CASE("mistakes about groups") {
  check_all({
    {"namespace: n\n",
     "1:1: this file has no group; expected `groups:` with a list of at least one"},
    {"namespace: n\ngroups: []\n",
     "2:9: this file has no group; expected `groups:` with a list of at least one"},
    {"groups: {a: b}\n", "1:9: `groups` is a map; expected a list of groups"},
    {"namespace: n\ngroups: [x]\n",
     "2:10: this is a single value; expected a group, written as `key: value`"},
    {"groups:\n  - {groupid: g, applications: [{binary: b}]}\n",
     "2:5: the group `g` has no namespace; expected `namespace: NAME` in it or at the top of the "
     "file"},
    {"namespace: n\ngroups:\n  - {applications: [{binary: b}]}\n",
     "3:5: this group has no name; expected `groupid: NAME`"},
    {"namespace: n\ngroups:\n  - {groupid: g}\n",
     "3:5: the group `g` has no applications; expected `applications:` with a list of at least "
     "one"},
    {"namespace: n\ngroups:\n  - {groupid: g, applications: []}\n",
     "3:32: the group `g` has no applications; expected `applications:` with a list of at least "
     "one"},
    {"namespace: n\ngroups:\n  - {groupid: a, groupname: b, applications: [{binary: b}]}\n",
     "3:29: `groupname` is `b`, but `groupid` is `a`; expected one of them"},
    {"namespace: n\ngroups:\n  - {groupid: g, applications: [{binary: b}]}\n"
     "  - {groupname: g, applications: [{binary: b}]}\n",
     "4:5: the group `n/g` stands here twice, first in line 3; expected its applications in one "
     "group"},
    {"namespace: n\ngroups:\n  - groupid: g\n    applications:\n      - binary: b\n"
     "      - repository: r\n        binary: b\n",
     "6:9: two applications of this group are called `b`, the first in line 5; expected a `name` "
     "of its own for each"},
    {"namespace: ../x\ngroups:\n  - {groupid: g/h, applications: [{binary: b, name: -f}]}\n",
     "1:12: `namespace` is `../x`; expected letters, digits, `.`, `_` and `-`, at most 63, not "
     "beginning with `.` or `-`\n"
     "3:15: `groupid` is `g/h`; expected letters, digits, `.`, `_` and `-`, at most 63, not "
     "beginning with `.` or `-`\n"
     "3:53: `name` is `-f`; expected letters, digits, `.`, `_` and `-`, at most 63, not beginning "
     "with `.` or `-`"},
    {"namespace: n\ngroups:\n  - {groupid: g, applications: [{binary: b}], instances: 3}\n",
     "3:47: unknown key `instances` in a group; expected `groupid`, `groupname`, `namespace` or "
     "`applications`"},
    {"namespce: n\n",
     "1:1: unknown key `namespce` in a deploy.yaml; did you mean `namespace`?\n"
     "1:1: this file has no group; expected `groups:` with a list of at least one"},
  });
}

TEST_CASE("an unknown key is told with the one that was probably meant") {
  check_all_in_application({
    {"binray: x", "6:9: unknown key `binray` in an application; did you mean `binary`?"},
    {"Instance: 2", "6:9: unknown key `Instance` in an application; did you mean `instances`?"},
    {"downloadulr: x",
     "6:9: unknown key `downloadulr` in an application; did you mean `downloadurl`?"},
    {"limits: {ram: 3}", "6:18: unknown key `ram` in `limits`; expected `maxmemory`, "
                         "`maxkillmemory`, `maxswapmemory`, `priority`, `openfiles`, "
                         "`processes`, `cpu` or `coresize`"},
    {"rollout: {minready: 3s}",
     "6:19: unknown key `minready` in `rollout`; did you mean `min_ready`?"},
    {"autoregs: [{portdef: \"${PORT1}\", servicename: x, apitype: y}]",
     "6:58: unknown key `apitype` in an entry of `autoregs`; did you mean `apitypes`?"},
    {"? [a]\n: b", "6:11: this key is a list; expected a key of an application"},
  });
}

TEST_CASE("a key that stands twice is a mistake, in any case of its letters") {
  check_all_in_application({
    {"instances: 2\nInstances: 3",
     "7:9: the key `Instances` stands here twice, first in line 6, column 9; expected it once"},
    {"env: {A: 1, A: 2}",
     "6:21: the key `A` stands here twice, first in line 6, column 15; expected it once"},
  });
}

TEST_CASE("values of the wrong kind are told with what was expected") {
  check_all_in_application({
    {"instances: -1", "6:20: `instances` is `-1`; expected a whole number from 0 to 100000"},
    {"instances: 100001",
     "6:20: `instances` is `100001`; expected a whole number from 0 to 100000"},
    {"instances: 99999999999999999999999",
     "6:20: `instances` is `99999999999999999999999`; expected a whole number from 0 to 100000"},
    {"instances: two", "6:20: `instances` is `two`; expected a whole number from 0 to 100000"},
    {"instances: [2]", "6:20: `instances` is a list; expected a whole number from 0 to 100000"},
    {"alwayson: maybe", "6:19: `alwayson` is `maybe`; expected true or false"},
    {"rollout: {order: sideways, canary: -1, auto_revert: perhaps}",
     "6:26: `order` is `sideways`; expected `start-first` or `stop-first`\n"
     "6:44: `canary` is `-1`; expected a whole number from 0 to 1000\n"
     "6:61: `auto_revert` is `perhaps`; expected true or false"},
    {"args: -port=1", "6:15: `args` is a single value; expected a list such as "
                      "[\"-port=${PORT1}\"]"},
    {"args: [{a: b}]", "6:16: this entry of `args` is a map; expected a text, in quotes if it "
                       "holds `: ` or begins with `[` or `{`"},
    {"env: [A]", "6:14: `env` is a list; expected a map of its keys"},
    {"env: {A: [1]}", "6:18: `A` in `env` is a list; expected a text"},
    {"env: {1A: x}", "6:15: `env` has the key `1A`; expected letters, digits and `_`, not "
                     "beginning with a digit"},
    {"env: {DEPLOY_X: x, PORT1: y}",
     "6:15: `env` has the key `DEPLOY_X`; expected a name that the agent does not set itself\n"
     "6:28: `env` has the key `PORT1`; expected a name that the agent does not set itself"},
    {"limits: 3", "6:17: `limits` is a single value; expected a map of its keys"},
    {"limits: {maxmemory: -3}",
     "6:29: `maxmemory` is `-3`; expected a whole number from 0 to 100000000 or `unlimited`"},
    {"limits: {maxkillmemory: 2G}",
     "6:33: `maxkillmemory` is `2G`; expected a whole number from 0 to 100000000 or `unlimited`, "
     "in megabytes: 2048"},
    {"limits: {maxswapmemory: none}",
     "6:33: `maxswapmemory` is `none`; expected a whole number from 0 to 100000000 or `unlimited`"},
    {"limits: {openfiles: many}",
     "6:29: `openfiles` is `many`; expected a whole number from 0 to 1073741816 or `unlimited`"},
    {"limits: {processes: 5000000}",
     "6:29: `processes` is `5000000`; expected a whole number from 0 to 4194304 or `unlimited`"},
    {"limits: {coresize: 1 GiB}",
     "6:28: `coresize` is `1 GiB`; expected a whole number from 0 to 100000000 or `unlimited`, in "
     "megabytes: 1024"},
    {"limits: {cpu: 50}", "6:23: `cpu` is `50`; expected a share of one processor such as 50% or "
                          "200%, or `unlimited`: 50%"},
    {"limits: {cpu: 1.5}", "6:23: `cpu` is `1.5`; expected a share of one processor such as 50% or "
                           "200%, or `unlimited`: 150%"},
    {"limits: {cpu: 0%}", "6:23: `cpu` is `0%`; expected a share of one processor such as 50% or "
                          "200%, or `unlimited`"},
    {"limits: {priority: 20}", "6:28: `priority` is `20`; expected a whole number from -20 to 19"},
    {"repositoryid: x",
     "6:23: `repositoryid` is `x`; expected a whole number from 0 to 9223372036854775807"},
    {"sha256: abc", "6:17: `sha256` is `abc`; expected the SHA-256 of the artifact as 64 hex "
                    "digits"},
    {"machines: worker, ../x", "6:19: `machines` holds `../x`; expected letters, digits, `.`, `_` "
                               "and `-`, at most 63, not beginning with `.` or `-`"},
    {"<<: 3", "6:13: `<<` is given a single value; expected a map, or a list of maps"},
  });
}

TEST_CASE("a compressed program is called what it is without its compression") {
  auto binary_of = [](const std::string& url) {
    auto file
      = read_valid("namespace: n\ngroups:\n  - groupid: g\n    applications:\n      - downloadurl: "
                   + url + "\n");
    return file.groups[0].applications[0].binary;
  };
  CHECK(binary_of("http://x/server-7.gz?token=t") == "server-7");
  CHECK(binary_of("http://x/server.zst") == "server");
  CHECK(binary_of("http://x/server") == "server");
  CHECK(binary_of("http://x/.gz") == ".gz");
}

TEST_CASE("durations, shares, signals and ranges are checked") {
  check_all_in_application({
    {"rollout: {min_ready: 5}", "6:30: `min_ready` is `5`; expected a duration such as 500ms, 5s, "
                                "2m or 1h, with its unit: 5s or 5m"},
    {"rollout: {deadline: 1m30s}",
     "6:29: `deadline` is `1m30s`; expected a duration such as 500ms, 5s, 2m or 1h: 90s"},
    {"rollout: {deadline: -5s}",
     "6:29: `deadline` is `-5s`; expected a duration such as 500ms, 5s, 2m or 1h"},
    {"rollout: {fetch_deadline: 0s}",
     "6:35: `fetch_deadline` is `0s`; expected a duration such as 1h, or none"},
    {"rollout: {min_ready: 6m}",
     "6:30: `deadline` is not longer than `min_ready`, so nothing could ever become ready in time; "
     "expected a longer `deadline`"},
    {"rollout: {parallel: 0%}",
     "6:29: `parallel` is `0%`; expected a share from 1% to 100%, or a count from 1"},
    {"rollout: {parallel: 101%}",
     "6:29: `parallel` is `101%`; expected a share from 1% to 100%, or a count from 1"},
    {"rollout: {parallel: 0}",
     "6:29: `parallel` is `0`; expected a share from 1% to 100%, or a count from 1"},
    {"restart: {policy: sometimes}",
     "6:27: `policy` is `sometimes`; expected `always`, `on-failure` or `never`"},
    {"restart: {backoff: 1m..1s}", "6:28: `backoff` is `1m..1s`; expected the shortest and the "
                                   "longest wait such as 1s..1m, from 1ms"},
    {"restart: {give_up_after: 5}", "6:34: `give_up_after` is `5`; expected a number of exits and "
                                    "a span such as 5 in 10m, or never"},
    {"stop: {signal: TREM}",
     "6:24: `signal` is `TREM`; expected a signal such as TERM, SIGTERM or 15"},
    {"stop: {signal: 0}", "6:24: `signal` is `0`; expected a signal such as TERM, SIGTERM or 15"},
  });
}

TEST_CASE("binaries and URLs that lead astray are refused") {
  const std::string expected_url
    = "expected a URL that begins with http://, https:// or file:///, or an absolute file name";
  check_all_in_application({
    {"downloadurl: ftp://x/y",
     "6:22: `downloadurl` has the scheme `ftp`, which is not supported; " + expected_url},
    {"downloadurl: builds/x",
     "6:22: `downloadurl` is neither a URL nor an absolute file name; " + expected_url},
    {"downloadurl: http:///x", "6:22: `downloadurl` names no host; " + expected_url},
    {"downloadurl: file://x/y", "6:22: `downloadurl` names no absolute file; " + expected_url},
    {"downloadurl: /srv/", "6:22: `downloadurl` names a directory; " + expected_url},
    {"downloadurl: https://x/${BUILD}", "6:22: `downloadurl` is `https://x/${BUILD}`; expected no "
                                        "variable but `${BUILDID}`"},
  });
  check_all({
    {"namespace: n\ngroups: [{groupid: g, applications: [{binary: /bin/sh}]}]\n",
     "2:47: `binary` is `/bin/sh`, which is absolute; expected the path of a file inside the "
     "archive, such as `dist/server`, or a file name"},
    {"namespace: n\ngroups: [{groupid: g, applications: [{binary: a/../../b}]}]\n",
     "2:47: `binary` is `a/../../b`, which leaves its directory with `..`; expected the path of a "
     "file inside the archive, such as `dist/server`, or a file name"},
    {"namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: /a.tar}]}]\n",
     "2:38: this application downloads an archive and has no `binary`; expected "
     "the path of the program inside the archive, such as `binary: dist/server`"},
    {"namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: \"http://x/\"}]}]\n",
     "2:38: this application has no `binary`, and its `downloadurl` `http://x/` ends without a "
     "file name; expected `binary: NAME`"},
    {"namespace: n\ngroups: [{groupid: g, applications: [{instances: 1}]}]\n",
     "2:38: this application has neither `name`, `binary`, `downloadurl` nor `repository`"
     "; expected at least one of them to tell it by"},
  });
}

TEST_CASE("no mistake shows the password in a URL") {
  const std::string expected_url
    = "expected a URL that begins with http://, https:// or file:///, or an absolute file name";
  check_all_in_application({
    {"downloadurl: https://ci:secret@x/${BUILD}",
     "6:22: `downloadurl` is `https://x/${BUILD}`; expected no variable but `${BUILDID}`"},
    {"downloadurl: https://ci:${SECRET}@x/y?token=secret",
     "6:22: `downloadurl` holds a variable in its user, password, query or fragment; expected no "
     "variable but `${BUILDID}`"},
    {"downloadurl: ci:secret@http://x/y",
     "6:22: `downloadurl` begins with no scheme; " + expected_url},
  });
  check_all({
    {"namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: "
     "\"http://ci:secret@x/\"}]}]\n",
     "2:38: this application has no `binary`, and its `downloadurl` `http://x/` ends without a "
     "file name; expected `binary: NAME`"},
  });
}

TEST_CASE("ports are told with the n that is possible") {
  check_all_in_application({
    {"args: ['${PORT0}']",
     "6:16: `args` holds `${PORT0}`; expected `${PORTn}` with n from 1 to 100"},
    {"args: [ok, 'x${PORT101}']",
     "6:20: `args` holds `${PORT101}`; expected `${PORTn}` with n from 1 to 100"},
    {"args: ['${port1}']",
     "6:16: `args` holds `${port1}`; expected `${PORTn}` with n from 1 to 100"},
    {"env: {A: '${PORT}'}",
     "6:18: `env` holds `${PORT}`; expected `${PORTn}` with n from 1 to 100"},
    {"args: ['${PORT100} ${MACHINE} $HOME']", ""},
    {"autoregs: [{portdef: 1, servicename: x}]",
     "6:30: `portdef` is `1`; expected `${PORTn}` with n from 1 to 100"},
    {"autoregs: [{servicename: x}]",
     "6:20: this entry of `autoregs` has no `portdef`; expected `portdef` and `servicename`"},
    {"autoregs: [{portdef: '${PORT1}'}]",
     "6:20: this entry of `autoregs` has no `servicename`; expected `portdef` and `servicename`"},
    {"autoregs: [x]", "6:20: this is a single value; expected an entry of `autoregs`, written as "
                      "`key: value`"},
  });
}

TEST_CASE("strategies are told with those there are") {
  check_all_in_application({
    {"strategy: everywhere", ""},
    {"strategy: 'every where'",
     "6:19: `strategy` is `every where`; expected `spread`, `one-per-machine`, `pack` or `pinned`, "
     "or the name under which a process offers one"},
    {"strategy: spred",
     "6:19: `strategy` is `spred`; expected `spread`, `one-per-machine`, `pack` or `pinned`, did "
     "you mean `spread`?"},
    {"strategy: one-per-machine\ninstances: 3",
     "6:19: `strategy: one-per-machine` contradicts `instances: 3`; leave `instances` out for one "
     "on each machine, or add `instancesmeansperautodeployer: true` for 3 on each machine"},
    {"strategy: one-per-machine\ninstances: 3\ninstancesmeansperautodeployer: true", ""},
    {"strategy: pinned",
     "6:19: `strategy: pinned` needs `machines`; expected the names of machines "
     "there, separated by commas"},
    {"strategy: pinned\nmachines: iron-1, iron-2", ""},
  });
}

TEST_CASE("files are published under the path that is given, or one of the machine's choice") {
  auto read = [](const std::string& type) {
    return read_application_of(
      in_application("name: shop\ndownloadurl: /x/site.tar\ndeploytype: " + type));
  };
  auto files = read("StaticFiles\nstatictargetdir: /srv/www/shop");
  CHECK(files.type == messages::deploy_type::static_files);
  CHECK(files.static_target_dir == "/srv/www/shop");
  CHECK(files.max_per_machine == 1);
  CHECK(files.min_ready.count() == 0);
  CHECK(files.limits.max_memory_mb == 0);
  auto package = read("webpackage\nstatictargetdir: /srv/www/shop\nargs: []\njava: false");
  CHECK(package.type == messages::deploy_type::web_package);
  CHECK(package.static_target_dir.empty());
}

TEST_CASE("files without a path of their own, or with what only programs have, are refused") {
  const std::string files = "deploytype: staticfiles\nstatictargetdir: ";
  const std::string expected = "; expected an absolute path such as `/srv/www/shop`";
  const std::string plain = expected + ", without `..` and without `/` at its end";
  const std::string beside
    = " is given beside `deploytype: staticfiles`, which runs no program; expected no such key";
  check_all_in_application({
    {"deploytype: other",
     "6:21: `deploytype` is `other`; expected an empty text, `webpackage` or `staticfiles`"},
    {"deploytype: program",
     "6:21: `deploytype` is `program`; expected an empty text, `webpackage` or `staticfiles`"},
    {"deploytype: staticfiles",
     "5:9: this application has `deploytype: staticfiles` and no `statictargetdir`; expected where "
     "its files are to be found, such as `statictargetdir: /srv/www/shop`"},
    {files + "www", "7:26: `statictargetdir` is `www`" + plain},
    {files + "/srv/../etc", "7:26: `statictargetdir` is `/srv/../etc`" + plain},
    {files + "/srv/www/", "7:26: `statictargetdir` is `/srv/www/`" + plain},
    {files + "'/srv/${BUILDID}'",
     "7:26: `statictargetdir` is `/srv/${BUILDID}`; holds a variable" + expected},
    {files + "/srv/x\nargs: [-v]", "8:15: `args`" + beside},
    {files + "/srv/x\nhealth: {http: /}", "8:17: `health`" + beside},
    {files + "/srv/x\nlimits: {cpu: 50%}", "8:17: `limits`" + beside},
    {files + "/srv/x\nrollout: {order: stop-first}", "8:26: `order`" + beside},
    {files + "/srv/x\nalwayson: false",
     "8:19: `alwayson: false` is given beside `deploytype: staticfiles`, which is no job; expected "
     "`alwayson: true`"},
    {files + "/srv/x\ninstances: 2\ninstancesmeansperautodeployer: true",
     "5:9: this application has `deploytype: staticfiles` and 2 instances on each machine; "
     "expected 1, for all would be found under one path"},
  });
}

TEST_CASE("what is critical always runs") {
  CHECK(read_application_of(in_application("critical: true")).critical);
  CHECK_FALSE(read_application_of(in_application("")).critical);
  check_all_in_application({
    {"critical: very", "6:19: `critical` is `very`; expected true or false"},
    {"alwayson: false\ncritical: true",
     "7:19: `critical: true` is given to an application with `alwayson: false`; expected "
     "`alwayson: true` beside it"},
  });
}

TEST_CASE("what is not supported yet is refused at its line") {
  check_all_in_application({
    {"asroot: true", "6:17: `asroot: true` is not supported yet; expected `false`"},
    {"container: {image: x}",
     "6:20: `container` is not supported yet; expected `false` or no such key"},
    {"unreachable: {replace_after: 5}",
     "6:38: `replace_after` is `5`; expected a duration such as 5m, or never, with its unit: 5s or "
     "5m"},
    {"args: ['-p=${SECURE-DB}']",
     "6:16: `args` holds `${SECURE-…}`, which is not supported yet; expected a value without "
     "secrets"},
  });
}

TEST_CASE("every mistake is found at once, in the order of the lines, and a repeated one once") {
  CHECK(mistakes_of("namespace: n\n"
                    "groups:\n"
                    "  - groupid: g\n"
                    "    applications:\n"
                    "      - &a\n"
                    "        binary: b\n"
                    "        instances: -1\n"
                    "        asroot: true\n"
                    "      - <<: *a\n"
                    "        name: c\n"
                    "        limts: {}\n")
        == "7:20: `instances` is `-1`; expected a whole number from 0 to 100000\n"
           "8:17: `asroot: true` is not supported yet; expected `false`\n"
           "11:9: unknown key `limts` in an application; did you mean `limits`?\n");
}

TEST_CASE("a mistake never repeats a password") {
  CHECK(mistakes_of(in_application("downloaduser: ci\ndownloadtoken: hunter2"))
        == "7:24: `downloadtoken` is given beside `downloaduser`; expected one of the two\n");
  CHECK(mistakes_of(in_application("downloadpassword: [hunter2]"))
        == "6:27: `downloadpassword` is a list; expected a text\n");
  CHECK(mistakes_of(in_application("downloadpassword: \"hunter2\\n\""))
        == "6:27: `downloadpassword` holds a control character; expected one line of text\n");
}

TEST_CASE("a mistake is printed as compilers do") {
  CHECK(to_text("deploy.yaml", {3, 7, "no"}) == "deploy.yaml:3:7: no");
  CHECK(to_text("deploy.yaml", {0, 0, "no"}) == "deploy.yaml: no");
}

} // namespace

} // namespace deployminator::configs
