#include "agent/agent.hpp"
#include "agent/decisions/fetch_queue.hpp"
#include "agent/journal.hpp"
#include "messages/codec.hpp"
#include "messages/digest.hpp"

#include <doctest/doctest.h>

#include "support/agent_bench.hpp"

using namespace deployminator;
using namespace deployminator::agent;
using namespace std::chrono_literals;
using messages::instance_goal;

namespace {

/// With a server that has said welcome and a web that has the artifact.
struct connected_bench : agent_bench {
  connected_bench() {
    machine.web["http://example.org/web.tar"] = {"abc", 10, "/cache/abc"};
    start();
    welcome();
    heard<messages::hello>();
  }

  void run(const std::string& id) {
    assign(machine.saved.generation + 1, {spec(id, instance_goal::run)});
    pass(20ms);
    believe();
    REQUIRE(seen[id].state == messages::instance_state::running);
  }
};

/// A key file that can be written, or cannot.
struct fake_key : key_keeper {
  std::string learn(const messages::server_key_news& news) override {
    heard.push_back(news);
    return can_write && news.next ? news.next->key : "";
  }
  bool can_write = true;
  std::vector<messages::server_key_news> heard;
};

/// With a server that proves the key `now` and whose store is the farm's.
struct keyed_bench : agent_bench {
  keyed_bench() {
    key = &file;
    server_key = "now";
    start();
    welcome_from("ours");
    file.heard.clear();
    heard<messages::hello>();
  }

  void welcome_from(const std::string& store, bool rotates = false) {
    messages::welcome said{.store = store};
    if (rotates)
      said.next_server_key = {"next", {7}};
    say(said);
  }

  fake_key file;
};

} // namespace

TEST_CASE_FIXTURE(keyed_bench, "an agent keeps the server's next key, and tells that it has it") {
  welcome_from("ours", true);
  REQUIRE(file.heard.size() == 1);
  CHECK(file.heard[0].proven == "now");
  CHECK(file.heard[0].store == "ours");
  CHECK(file.heard[0].next->key == "next");
  auto hellos = heard<messages::hello>();
  REQUIRE(hellos.size() == 1);
  CHECK(hellos[0].next_server_key == "next");
  welcome_from("ours", true);
  CHECK(heard<messages::hello>().empty());
}

TEST_CASE_FIXTURE(keyed_bench, "an agent whose key file cannot be written says of no next key") {
  file.can_write = false;
  welcome_from("ours", true);
  CHECK(file.heard.size() == 1);
  CHECK(heard<messages::hello>().empty());
}

TEST_CASE_FIXTURE(keyed_bench,
                  "a server of another store plants no key, even if it proves the farm's") {
  welcome_from("theirs", true);
  CHECK(file.heard.empty());
  server_is_silent = true;
  pass(5s);
  welcome_from("theirs", true);
  CHECK(file.heard.empty());
}

TEST_CASE("without keys an agent learns none") {
  fake_key file;
  agent_bench b;
  b.key = &file;
  b.start();
  b.say(
    messages::welcome{.store = "ours", .next_server_key = messages::next_server_key{"next", {7}}});
  CHECK(file.heard.empty());
}

TEST_CASE("an agent makes itself an identity before it says hello") {
  agent_bench b;
  b.start();
  auto hellos = b.heard<messages::hello>();
  REQUIRE_FALSE(hellos.empty());
  CHECK(hellos[0].role == messages::peer_role::agent);
  REQUIRE(hellos[0].agent);
  CHECK(hellos[0].agent->name == "m1");
  CHECK(hellos[0].agent->identity.size() == 32);
  CHECK(hellos[0].agent->identity == b.machine.saved.identity);
  CHECK(hellos[0].agent->incarnation != hellos[0].agent->identity);
  b.crash();
  b.start();
  auto again = b.heard<messages::hello>();
  REQUIRE_FALSE(again.empty());
  CHECK(again[0].agent->identity == hellos[0].agent->identity);
  CHECK(again[0].agent->incarnation != hellos[0].agent->incarnation);
}

TEST_CASE_FIXTURE(connected_bench, "an assignment is fetched, started, proven and told of") {
  assign(1, {spec("a", instance_goal::fetch)});
  pass(20ms);
  CHECK(heard<messages::assigned>().at(0).generation == 1);
  believe();
  CHECK(seen["a"].fetched);
  CHECK(seen["a"].sha256 == "abc");
  CHECK(machine.instances["a"].launches == 0);
  assign(2, {spec("a", instance_goal::run)});
  pass(20ms);
  believe();
  CHECK(seen["a"].state == messages::instance_state::running);
  CHECK(seen["a"].pid == machine.instances["a"].pid);
  CHECK(machine.instances["a"].last_launch.args
        == std::vector<std::string>{"--port", std::to_string(seen["a"].ports.at(0))});
  pass(6s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::ready);
  CHECK(machine.fetched_urls.size() == 1);
}

TEST_CASE_FIXTURE(connected_bench, "an instance that is missing from the assignment goes") {
  run("a");
  assign(2, {});
  pass(20ms);
  believe();
  CHECK(seen.empty());
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].id == "a");
  CHECK(gone[0].exit == 143);
  CHECK(machine.instances.empty());
  pass(100ms);
  CHECK(machine.records.empty());
}

TEST_CASE_FIXTURE(connected_bench, "an instance that does not heed its signal is killed in time") {
  run("a");
  machine.deaf = {"a"};
  assign(2, {});
  pass(9s);
  CHECK(machine.instances["a"].running);
  pass(2s);
  believe();
  REQUIRE(gone.size() == 1);
  CHECK_FALSE(gone[0].exit);
  CHECK(gone[0].reason == "killed, for it did not end within 10s of signal 15 (SIGTERM)");
}

TEST_CASE_FIXTURE(connected_bench, "the same assignment again changes nothing and is confirmed") {
  run("a");
  heard<messages::assigned>();
  auto wanted = std::vector{spec("a", instance_goal::run)};
  assign(1, wanted);
  assign(1, wanted);
  auto answers = heard<messages::assigned>();
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].generation == 1);
  CHECK(answers[1].digest == messages::digest_of(wanted));
  CHECK(machine.instances["a"].launches == 1);
}

TEST_CASE_FIXTURE(connected_bench,
                  "an assignment that does not fit is answered with what is held") {
  run("a");
  heard<messages::assigned>();
  SUBCASE("made for another base") {
    say(messages::assignment{5, 6, 0, 0, 1, {}, {"a"}});
  }
  SUBCASE("with another digest") {
    say(messages::assignment{1, 2, 99, 0, 1, {}, {"a"}});
  }
  SUBCASE("of the past") {
    say(messages::assignment{0, 1, 99, 0, 1, {}, {}});
  }
  auto answers = heard<messages::assigned>();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].generation == 1);
  CHECK(machine.saved.generation == 1);
  pass(1s);
  CHECK(machine.instances["a"].running);
}

TEST_CASE_FIXTURE(connected_bench, "an assignment in parts takes effect when all are there") {
  std::vector wanted{spec("a", instance_goal::run), spec("b", instance_goal::run)};
  auto digest = messages::digest_of(wanted);
  say(messages::assignment{0, 1, digest, 1, 2, {wanted[1]}, {}});
  pass(20ms);
  CHECK(machine.saved.generation == 0);
  CHECK(machine.instances.empty());
  say(messages::assignment{0, 1, digest, 0, 2, {wanted[0]}, {}});
  pass(20ms);
  CHECK(heard<messages::assigned>().size() == 1);
  CHECK(machine.instances.size() == 2);
}

TEST_CASE_FIXTURE(connected_bench, "nothing is confirmed or done before it is on disk") {
  machine.disk_is_full = true;
  assign(1, {spec("a", instance_goal::run)});
  pass(3s);
  CHECK(heard<messages::assigned>().empty());
  CHECK(machine.instances.empty());
  machine.disk_is_full = false;
  pass(2s);
  CHECK(heard<messages::assigned>().size() == 1);
  CHECK(machine.saved.generation == 1);
  CHECK(machine.saved.specs.size() == 1);
  CHECK(machine.instances["a"].running);
}

TEST_CASE_FIXTURE(connected_bench, "what is not wanted stops though the disk is full") {
  run("a");
  believe();
  machine.disk_is_full = true;
  heard<messages::assigned>();
  assign(2, {});
  pass(100ms);
  CHECK(machine.instances.empty());
  CHECK(heard<messages::assigned>().empty());
  believe();
  CHECK(gone.empty());
  // Nobody need wait for it.
  CHECK(seen["a"].state == messages::instance_state::stopping);
  CHECK(seen["a"].stuck);
  CHECK(seen["a"].reason
        == "has stopped, which its machine cannot note (see `deploy machines`): the disk is full");
  SUBCASE("and is told gone when the record is written") {
    machine.disk_is_full = false;
    pass(2s);
    REQUIRE(heard<messages::assigned>().size() == 1);
    CHECK(machine.saved.generation == 2);
    CHECK(machine.saved.specs.empty());
    believe();
    REQUIRE_FALSE(gone.empty());
    CHECK(gone.back().exit == 143);
    CHECK(seen.empty());
    pass(5s);
    CHECK(machine.instances.empty());
  }
  SUBCASE("and runs again after a crash, for nobody was told otherwise") {
    crash();
    machine.disk_is_full = false;
    start();
    pass(2s);
    CHECK(machine.instances["a"].running);
    welcome(true);
    assign(2, {});
    pass(2s);
    CHECK(machine.instances.empty());
  }
}

TEST_CASE_FIXTURE(connected_bench, "a later assignment replaces one that a full disk holds up") {
  run("a");
  machine.disk_is_full = true;
  assign(2, {spec("a", instance_goal::run), spec("b", instance_goal::fetch)});
  pass(3s);
  CHECK(machine.instances.size() == 1);
  assign(3, {spec("b", instance_goal::fetch)});
  pass(100ms);
  CHECK(machine.instances.empty());
  heard<messages::assigned>();
  machine.disk_is_full = false;
  pass(2s);
  CHECK(heard<messages::assigned>().size() == 1);
  CHECK(machine.saved.generation == 3);
  CHECK(machine.instances.contains("b"));
  CHECK_FALSE(machine.instances.contains("a"));
}

TEST_CASE(
  "a server with a higher epoch is obeyed when the epoch is on disk, and no lower one after") {
  agent_bench b;
  b.start();
  b.machine.disk_is_full = true;
  b.epoch = 9;
  b.welcome(true);
  b.assign(1, {});
  b.pass(100ms);
  CHECK(b.heard<messages::report>().size() >= 1);
  CHECK(b.heard<messages::assigned>().empty());
  CHECK(b.machine.saved.epoch != 9);
  b.machine.disk_is_full = false;
  b.pass(2s);
  CHECK(b.heard<messages::assigned>().size() == 1);
  CHECK(b.machine.saved.epoch == 9);
  b.heard<messages::assigned>();
  b.epoch = 8;
  b.assign(2, {b.spec("a", instance_goal::run)});
  b.pass(20ms);
  CHECK(b.heard<messages::assigned>().empty());
  CHECK(b.machine.instances.empty());
}

TEST_CASE_FIXTURE(connected_bench,
                  "what a full disk keeps from beginning, or starting, has failed") {
  run("a");
  assign(2, {spec("a", instance_goal::run), spec("b", instance_goal::fetch)});
  pass(100ms);
  machine.disk_is_full = true;
  assign(3, {spec("a", instance_goal::run), spec("b", instance_goal::run),
             spec("c", instance_goal::fetch)});
  pass(6s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::ready);
  CHECK(seen["b"].state == messages::instance_state::failed);
  CHECK(seen["b"].fetched);
  CHECK(seen["b"].reason
        == "is to start, which its machine cannot note (see `deploy machines`): the disk is full");
  CHECK(seen["c"].state == messages::instance_state::failed);
  CHECK(
    seen["c"].reason
    == "is to be there, which its machine cannot note (see `deploy machines`): the disk is full");
  CHECK(troubles.size() == 2);
  CHECK(machine.instances.size() == 2);
  SUBCASE("and begins once there is space") {
    machine.disk_is_full = false;
    pass(10s);
    believe();
    CHECK(machine.saved.generation == 3);
    CHECK(seen["b"].state == messages::instance_state::ready);
    CHECK(seen["c"].state == messages::instance_state::preparing);
    CHECK(troubles.empty());
  }
  SUBCASE("and is stopped and stuck when it is not wanted any more, until there is space") {
    auto all = std::vector{spec("a", instance_goal::run)};
    say(messages::assignment{2, 4, messages::digest_of(all), 0, 1, {}, {"b", "c"}});
    pass(1s);
    believe();
    for (const auto* id : {"b", "c"}) {
      CHECK(seen[id].state == messages::instance_state::stopping);
      CHECK(seen[id].stuck);
    }
    CHECK(gone.empty());
    machine.disk_is_full = false;
    pass(2s);
    believe();
    CHECK(machine.saved.generation == 4);
    CHECK(seen.size() == 1);
    CHECK(seen.contains("a"));
    pass(6s);
    believe();
    pass(5s);
    CHECK(heard<messages::report>().empty());
  }
}

TEST_CASE_FIXTURE(connected_bench, "a full disk keeps no session from going on") {
  run("a");
  machine.disk_is_full = true;
  assign(2, {});
  machine.output["a"] = "hello\n";
  say(messages::read_log{.instance = "a", .offset = 0}, 0, 5);
  CHECK(heard<messages::log_chunk>().size() == 1);
  epoch = 8;
  welcome();
  pass(100ms);
  believe();
  CHECK(heard<messages::report>().empty());
}

TEST_CASE("an agent that cannot note who it is says so to its server") {
  agent_bench b;
  b.machine.disk_is_full = true;
  b.start();
  b.welcome(true);
  b.pass(1s);
  b.believe();
  REQUIRE_FALSE(b.troubles.empty());
  CHECK(b.machine.saved.identity.empty());
  // The next start will make another one.
  auto hellos = b.heard<messages::hello>();
  REQUIRE_FALSE(hellos.empty());
  CHECK(hellos.back().agent->identity.empty());
}

TEST_CASE_FIXTURE(connected_bench, "what is wrong with the machine is told until it is over") {
  run("a");
  CHECK(troubles.empty());
  SUBCASE("a full disk") {
    machine.disk_is_full = true;
    pass(6s);
    believe();
    // Of the state of `a`, too.
    REQUIRE_FALSE(troubles.empty());
    CHECK(troubles[0].what == "the disk is full");
    CHECK(troubles[0].since);
    machine.disk_is_full = false;
    pass(6s);
  }
  SUBCASE("a packet filter that refuses") {
    machine.no_filter = "no right to use nftables";
    machine.applications = messages::result<port_settings::entries>{
      {{.label = "f", .group = "front", .ports = {{1, 80}}}}};
    pass(8s);
    believe();
    REQUIRE(troubles.size() == 1);
    CHECK(troubles[0].what == "the public ports are not as configured: no right to use nftables");
    machine.no_filter.clear();
    pass(20s);
  }
  SUBCASE("a clock that is off") {
    server_is_ahead = 20s;
    pass(12s);
    believe();
    REQUIRE(troubles.size() == 1);
    CHECK(troubles[0].what == "the machine's clock is 20 s behind the server's");
    server_is_ahead = 0s;
    pass(2s);
  }
  believe();
  CHECK(troubles.empty());
}

TEST_CASE_FIXTURE(connected_bench, "what was given up is tried again when a trouble is over") {
  auto order = spec("a", instance_goal::run);
  order.app.restart.give_up_count = 1;
  assign(1, {order});
  pass(100ms);
  machine.disk_is_full = true;
  pass(6s);
  machine.end_program("a", 1);
  pass(1s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::failed);
  CHECK_FALSE(machine.instances["a"].running);
  machine.disk_is_full = false;
  pass(6s);
  CHECK(machine.instances["a"].running);
}

TEST_CASE_FIXTURE(connected_bench,
                  "a port that was taken while the program was down is exchanged") {
  machine.applications = messages::result<port_settings::entries>{
    {{.label = "f", .group = "front", .ports = {{1, 80}}}}};
  assign(1, {spec("a", instance_goal::run)});
  pass(12s);
  believe();
  auto before = seen["a"].ports.at(0);
  CHECK(machine.rules == port_map{{80, before}});
  machine.end_program("a", 1);
  machine.taken_ports.insert(before);
  pass(12s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::ready);
  auto now = seen["a"].ports.at(0);
  CHECK(now != before);
  CHECK(machine.instances["a"].last_launch.env.at("PORT1") == std::to_string(now));
  CHECK(machine.rules == port_map{{80, now}});
  CHECK(seen["a"].reason.find("has taken port") != std::string::npos);
}

TEST_CASE_FIXTURE(connected_bench, "three transfers at most run at once, each for all who wait") {
  machine.hold_downloads = true;
  std::vector<messages::instance_spec> wanted;
  for (int i = 0; i < 10; ++i) {
    auto each = spec("i" + std::to_string(i), instance_goal::fetch);
    each.app.download_url = "http://example.org/" + std::to_string(i / 2) + ".tar";
    machine.web[each.app.download_url] = {"abc" + std::to_string(i / 2), 10, "/cache/abc"};
    wanted.push_back(each);
  }
  assign(1, wanted);
  CHECK(machine.transfers.size() == 3);
  CHECK(machine.fetched_urls.size() == 3);
  machine.finish(machine.transfers.begin()->first);
  pass(20ms);
  CHECK(machine.transfers.size() == 3);
  CHECK(machine.fetched_urls.size() == 4);
  believe();
  int fetched = 0;
  for (const auto& [id, each] : seen)
    fetched += each.fetched ? 1 : 0;
  CHECK(fetched == 2);
}

TEST_CASE_FIXTURE(connected_bench, "a transfer that is not wanted any more is cancelled") {
  machine.hold_downloads = true;
  assign(1, {spec("a", instance_goal::fetch)});
  CHECK(machine.transfers.size() == 1);
  assign(2, {});
  pass(20ms);
  CHECK(machine.transfers.empty());
  believe();
  CHECK(gone.size() == 1);
}

TEST_CASE_FIXTURE(connected_bench, "downloads are told of while they go on") {
  machine.hold_downloads = true;
  assign(1, {spec("a", instance_goal::fetch), spec("b", instance_goal::fetch)});
  auto& transfer = machine.transfers.begin()->second;
  transfer.progress({1, 10, 1.0});
  transfer.progress({2, 10, 1.0});
  settle();
  pass(500ms);
  transfer.progress({5, 10, 1.0});
  machine.finish(machine.transfers.begin()->first);
  settle();
  REQUIRE(wire.progress.size() == 3);
  auto last = std::get<messages::progress>(wire.progress.back().body).list;
  REQUIRE(last.size() == 1);
  CHECK(last[0].group == "front");
  auto what = std::get<messages::download_progress>(last[0].what);
  CHECK(what.bytes == 10);
  CHECK(what.total == 10U);
  CHECK(what.machine == "m1");
  CHECK(what.instances == std::vector<std::string>{"a", "b"});
}

TEST_CASE_FIXTURE(connected_bench, "a fetch that does not move says so and why, until it does") {
  machine.hold_downloads = true;
  assign(1, {spec("a", instance_goal::fetch)});
  auto& transfer = machine.transfers.begin()->second;
  transfer.progress({0, {}, 0, "the server is busy"});
  pass(4s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::downloading);
  CHECK(seen["a"].reason == "the server is busy; it is tried again");
  CHECK(seen["a"].stuck);
  transfer.progress({1'000'000, {}, 0, {}});
  pass(2s);
  believe();
  CHECK(seen["a"].reason.empty());
  CHECK_FALSE(seen["a"].stuck);
}

TEST_CASE_FIXTURE(connected_bench, "slow fetches give way to what waits behind them") {
  machine.hold_downloads = true;
  std::vector<messages::instance_spec> wanted;
  for (const char* id : {"a", "b", "c", "d"}) {
    wanted.push_back(spec(id, instance_goal::fetch));
    wanted.back().app.download_url = std::string{"http://x/"} + id;
  }
  assign(1, wanted);
  CHECK(machine.transfers.size() == 3);
  for (auto& [hash, transfer] : machine.transfers)
    transfer.progress({2, {}, 2, {}});
  pass(2s);
  believe();
  CHECK(seen["d"].reason == "queued behind a of x, b of x, c of x");
  pass(10s);
  CHECK(machine.transfers.size() == 4);
}

TEST_CASE_FIXTURE(connected_bench, "partial files are kept for what is assigned, and no longer") {
  machine.hold_downloads = true;
  auto wanted = spec("a", instance_goal::fetch);
  assign(1, {wanted});
  pass(20ms);
  CHECK(machine.kept_partial == std::set{fetch_key(wanted)});
  assign(2, {});
  pass(20ms);
  CHECK(machine.kept_partial.empty());
}

TEST_CASE_FIXTURE(connected_bench, "an artifact that is not there is told and tried again") {
  machine.web.clear();
  assign(1, {spec("a", instance_goal::fetch)});
  pass(20ms);
  believe();
  CHECK(seen["a"].state == messages::instance_state::failed);
  CHECK(seen["a"].reason == "http://example.org/web.tar: not found");
  machine.web["http://example.org/web.tar"] = {"abc", 10, "/cache/abc"};
  pass(2s);
  believe();
  CHECK(seen["a"].fetched);
}

TEST_CASE_FIXTURE(connected_bench, "a report is sent until it is confirmed") {
  assign(1, {spec("a", instance_goal::fetch)});
  pass(100ms);
  auto first = heard<messages::report>();
  REQUIRE_FALSE(first.empty());
  pass(1s);
  auto again = heard<messages::report>();
  REQUIRE(again.size() == 1);
  CHECK(again[0].seen.size() == 1);
  CHECK(again[0].revision > first.back().revision);
  say(messages::reported{again[0].revision});
  pass(1500ms);
  CHECK(heard<messages::report>().empty());
}

TEST_CASE_FIXTURE(connected_bench,
                  "a program that dies is told of with its last lines, and restarted") {
  run("a");
  machine.output["a"] = "starting\ncannot bind\n";
  machine.end_program("a", 3);
  settle();
  pass(20ms);
  believe();
  CHECK(seen["a"].state == messages::instance_state::failed);
  CHECK(seen["a"].reason == "exited with code 3");
  CHECK(seen["a"].output == "starting\ncannot bind\n");
  pass(1s);
  believe();
  CHECK(seen["a"].state == messages::instance_state::running);
  CHECK(seen["a"].restarts == 1);
  CHECK(machine.instances["a"].launches == 2);
}

TEST_CASE_FIXTURE(connected_bench, "an agent that was killed takes its instances over") {
  run("a");
  auto pid = seen["a"].pid;
  SUBCASE("as they run") {
    pass(6s);
    believe();
    auto before = seen["a"];
    crash();
    start();
    auto hello = heard<messages::hello>().at(0);
    CHECK(hello.epoch == 7);
    CHECK(hello.agent->generation == 1);
    CHECK(hello.agent->assignment_digest
          == messages::digest_of(std::vector{spec("a", instance_goal::run)}));
    CHECK(hello.agent->observation_digest == messages::digest_of(std::vector{before}));
    CHECK_FALSE(hello.agent->wants_assignment);
    welcome(true);
    believe();
    CHECK(seen["a"] == before);
    CHECK(seen["a"].pid == pid);
  }
  SUBCASE("and wants its assignment again where another release read it") {
    crash();
    machine.saved.read_by = "0.0.1";
    start();
    CHECK(heard<messages::hello>().at(0).agent->wants_assignment);
    CHECK(machine.instances["a"].launches == 1);
  }
  SUBCASE("with how they ended meanwhile") {
    crash();
    machine.end_program("a", 5);
    start();
    welcome(true);
    believe();
    CHECK(seen["a"].state == messages::instance_state::failed);
    CHECK(seen["a"].exit == 5);
  }
  CHECK(machine.instances["a"].launches == 1);
}

TEST_CASE_FIXTURE(connected_bench, "what is found and not wanted goes") {
  run("a");
  crash();
  machine.instances["b"].running = true;
  machine.instances["b"].has_grant = true;
  start();
  welcome(true);
  pass(20ms);
  believe();
  CHECK(seen.size() == 1);
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].id == "b");
}

TEST_CASE("an agent that never had orders leaves what it finds alone until the first") {
  agent_bench b;
  for (const std::string id : {"a", "b"}) {
    auto& each = b.machine.instances[id];
    each.laid_out = each.has_grant = each.running = true;
    each.pid = 42;
    each.launches = 1;
  }
  b.start();
  b.welcome(true);
  b.pass(5s);
  b.welcome(true);
  b.believe();
  CHECK(b.seen.empty());
  CHECK(b.machine.instances["a"].running);
  b.assign(1, {b.spec("a", instance_goal::run)});
  b.pass(20ms);
  b.believe();
  CHECK(b.seen.size() == 1);
  CHECK(b.seen["a"].pid == 42);
  CHECK(b.gone.size() == 1);
  CHECK(b.machine.instances["a"].launches == 1);
  CHECK_FALSE(b.machine.instances.contains("b"));
}

TEST_CASE_FIXTURE(connected_bench, "output is read to order") {
  machine.output["a"] = "one\ntwo\nthree\n";
  messages::read_log wanted;
  wanted.instance = "a";
  wanted.last_lines = 2;
  wire.orders.clear();
  say(wanted, 0, 55);
  REQUIRE(wire.orders.size() == 1);
  CHECK(wire.orders[0].id == 55);
  auto chunk = heard<messages::log_chunk>().at(0);
  CHECK(std::string(chunk.data.begin(), chunk.data.end()) == "two\nthree\n");
  CHECK(chunk.offset == 4);
  wanted.instance = "unknown";
  say(wanted, 0, 56);
  CHECK(heard<messages::refusal>().at(0).error.code == messages::failure_code::not_found);
}

TEST_CASE_FIXTURE(connected_bench, "what instances use is measured when somebody asks") {
  run("a");
  machine.usage["a"].age = 10s;
  machine.usage["a"].processor_time = 1s;
  machine.usage["a"].threads = 3;
  machine.usage["unknown"].threads = 9;
  wire.orders.clear();
  say(messages::measure{}, 0, 61);
  auto found = heard<messages::measured>().at(0);
  REQUIRE(found.usages.size() == 1);
  CHECK(found.usages[0].id == "a");
  CHECK(found.usages[0].threads == 3);
  CHECK(found.usages[0].cpu_percent == doctest::Approx(10));
  wire.orders.clear();
  say(messages::measure{"another", ""}, 0, 62);
  CHECK(heard<messages::measured>().at(0).usages.empty());
}

TEST_CASE_FIXTURE(connected_bench, "the logs of instances that are gone are told") {
  messages::kept_log last;
  last.instance = "a";
  last.namespace_ = "shop";
  last.group = "web";
  last.reason = "exited with code 3";
  machine.removed["a"] = last;
  machine.output["a"] = "one\n";
  messages::read_log wanted;
  wanted.instance = "a";
  wanted.since = {5};
  say(wanted, 0, 57);
  auto chunk = heard<messages::log_chunk>().at(0);
  CHECK(chunk.offset == 0);
  REQUIRE(chunk.gone);
  CHECK(*chunk.gone == last);
  CHECK_FALSE(chunk.machine.empty());
  wire.orders.clear();
  say(messages::find_logs{{}, "shop", "web"}, 0, 58);
  auto found = heard<messages::found_logs>().at(0);
  REQUIRE(found.logs.size() == 1);
  CHECK(found.logs[0].instance == "a");
}

TEST_CASE("an agent that loses its server tries the next one, and its instances go on") {
  agent_bench b;
  b.servers = {"tcp://127.0.0.1:4001", "tcp://127.0.0.1:5001"};
  b.machine.web["http://example.org/web.tar"] = {"abc", 10, "/cache/abc"};
  b.start();
  b.welcome();
  b.assign(1, {b.spec("a", instance_goal::run)});
  CHECK(b.wire.sockets.begin()->second.endpoint == "tcp://127.0.0.1:4001");
  b.heard<messages::hello>();
  b.server_is_silent = true;
  b.pass(5s);
  std::string endpoint;
  for (const auto& [id, socket] : b.wire.sockets)
    if (socket.kind == bus::socket_kind::orders_client)
      endpoint = socket.endpoint;
  CHECK(endpoint == "tcp://127.0.0.1:5001");
  CHECK_FALSE(b.heard<messages::hello>().empty());
  CHECK(b.machine.instances["a"].running);
  b.wire.orders.clear();
  b.machine.end_program("a", 1);
  b.pass(2s);
  CHECK(b.machine.instances["a"].launches == 2);
  CHECK(b.heard<messages::report>().empty());
}

TEST_CASE("a damaged journal ends the agent") {
  struct damaged : simulated_machine {
    using simulated_machine::simulated_machine;
    messages::result<agent_record> load_agent() override {
      return messages::failure{messages::failure_code::internal, "journal is damaged", {}};
    }
  };
  agent_bench b;
  damaged machine{[] { return messages::timestamp{1}; }};
  b.start();
  auto& p = *b.running;
  auto world = machine.world();
  auto journal_of_it = p.system.spawn(journal, &world);
  bool ended = false;
  auto doomed = p.system.spawn(agent::agent, agent_config{"m2", {"worker"}, 1, {"tcp://x:1"}},
                               &world, p.gateway, journal_of_it);
  doomed->attach_functor([&ended](const caf::error& reason) { ended = static_cast<bool>(reason); });
  b.settle();
  CHECK(ended);
  caf::anon_send_exit(journal_of_it, caf::exit_reason::kill);
  b.settle();
}
