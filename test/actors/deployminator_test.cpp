#include "actors/deployminator.hpp"
#include "test/actors/decisions/small_farm.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <deque>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

struct machine_calls {
  std::vector<assignment_difference> told;
  int questions = 0;
  /// What it has of an instance that is gone.
  kept_log kept;
  std::vector<instance_usage> uses;
};

machine_actor::behavior_type fake_machine(machine_actor::pointer, machine_calls* c) {
  return {
    [](atom::deliver, const received&) {},
    [](atom::lost, const std::string&, timestamp) {},
    [](atom::rotate, const next_server_key_ptr&) {},
    [c](atom::assign, const assignment_difference_ptr& difference) {
      c->told.push_back(*difference);
    },
    [c](atom::question, const envelope_ptr& asked) -> caf::result<message_ptr> {
      ++c->questions;
      if (std::holds_alternative<find_logs>(asked->body))
        return std::make_shared<const message>(found_logs{{c->kept}, false, {}});
      if (std::holds_alternative<measure>(asked->body))
        return std::make_shared<const message>(measured{c->uses, false, {}});
      log_chunk out;
      if (!c->kept.instance.empty())
        out.gone = c->kept;
      return std::make_shared<const message>(out);
    },
    [](atom::tick, atom::assign, std::uint64_t) {},
    [](atom::tick, atom::question, std::uint64_t) {},
  };
}

/// A DEPLOYMINATOR under CAF's deterministic scheduler; the test is its store.
struct bench : test::actors_bench {
  /// `known`: machines that the store has.
  explicit bench(int known) : farm(known) {}

  void start() {
    store.stored = farm.state;
    registrar = spawn(test::fake_registrar, &store);
    upkeep = spawn(test::fake_upkeep, &kept);
    deployminator_config with{
      registrar_actor{registrar}, std::make_shared<messages::farm>(farm.state), "",
      [] { return timestamp{1}; }, [this] { return ++farm.chance * 0x9e3779b97f4a7c15U; }};
    subject = spawn(actors::deployminator, std::move(with));
    tell(subject, atom::attach_v, upkeep);
  }

  // -- the store ----------------------------------------------------------------------------------

  /// The commit that is under way is made.
  change commit() {
    REQUIRE(store.commits.size() == 1);
    auto what = store.commits[0].what;
    messages::apply(store.stored, *what);
    answer(*this, registrar, store.commits, store.stored.last_event);
    return *what;
  }

  void fail_commit(const failure& why = {failure_code::internal, "disk full", ""}) {
    REQUIRE(store.commits.size() == 1);
    refuse(*this, registrar, store.commits, why);
  }

  // -- machines -----------------------------------------------------------------------------------

  test::outcome_ptr<briefing_ptr> say_hello(const std::string& name) {
    auto h = std::make_shared<hello>(hello{.role = peer_role::agent});
    h->agent = agent_introduction{name, "identity-" + name, "1", {"worker"}, 1000};
    if (auto known = store.stored.machines.find(name); known != store.stored.machines.end()) {
      auto head = assignment_head_of(store.stored, name);
      h->agent->generation = head.generation;
      h->agent->assignment_digest = head.digest;
    }
    if (!machines.contains(name))
      machines[name] = spawn(fake_machine, &machine_calls_of[name]);
    return ask<briefing_ptr>(subject, atom::join_v, hello_ptr{h}, machines[name]);
  }

  void join(const std::string& name) {
    say_hello(name);
    commit();
  }

  void lose(const std::string& name) {
    tell(subject, atom::lost_v, name, std::string{"silence"}, timestamp{});
  }

  test::outcome_ptr<bool> report(const std::string& machine, std::vector<observation> seen) {
    messages::report news{1};
    news.seen = std::move(seen);
    return ask<bool>(subject, atom::observe_v, machine,
                     report_ptr{std::make_shared<const messages::report>(std::move(news))});
  }

  // -- clients ------------------------------------------------------------------------------------

  test::outcome_ptr<message_ptr> query_machines() {
    query asked;
    asked.subject = query_subject::machines;
    return ask<message_ptr>(subject, atom::question_v, caller{},
                            envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, asked})});
  }

  static readable_order_ptr shared(readable_order order) {
    return std::make_shared<const readable_order>(std::move(order));
  }

  test::outcome_ptr<plan_view_ptr> view_for(readable_order order) {
    return ask<plan_view_ptr>(subject, atom::view_v, shared(std::move(order)));
  }

  test::outcome_ptr<message_ptr> give(readable_order order, plan where) {
    return ask<message_ptr>(subject, atom::order_v,
                            order_call_ptr{std::make_shared<const order_call>(
                              order_call{std::move(order), 1, {"alice"}, std::move(where)})});
  }

  static readable_order build(std::uint64_t number = 1) {
    return small_farm::build_of({small_farm::web(1)}, number);
  }

  /// A plan that puts the build's only instance on a machine.
  static plan onto(const std::string& machine,
                   std::map<std::uint64_t, std::uint64_t> revisions = {}) {
    return {std::move(revisions),
            {{"shop", "web", small_farm::web(1), placement{{machine}, "because"}}}};
  }

  small_farm farm;
  test::registrar_calls store;
  test::upkeep_calls kept;
  std::map<std::string, machine_calls> machine_calls_of;
  std::map<std::string, machine_actor> machines;
  test::fake_registrar_actor registrar;
  upkeep_actor upkeep;
  deployminator_actor subject;
};

const table& rows_in(const test::outcome_ptr<message_ptr>& asked) {
  REQUIRE(asked->value);
  return std::get<table>(**asked->value);
}

} // namespace

// -- nobody is told what is not stored ------------------------------------------------------------

TEST_CASE("a question sees what is stored, and waits for no more than the commit under way") {
  bench b{2};
  b.start();
  b.lose("w1");
  auto asked = b.query_machines();
  b.lose("w2");
  CHECK(asked->is_open());
  SUBCASE("when that is made") {
    b.commit();
    CHECK(rows_in(asked).seq == 1);
    CHECK(rows_in(asked).machines.at(0).state == machine_state::unreachable);
    CHECK(rows_in(asked).machines.at(1).state == machine_state::ready);
  }
  SUBCASE("or when it is known that it is not") {
    b.fail_commit();
    CHECK(rows_in(asked).seq == 0);
    CHECK(rows_in(asked).machines.at(1).state == machine_state::ready);
  }
}

TEST_CASE("an order is answered when it is stored, with the number of the event before its own") {
  bench b{0};
  b.start();
  b.join("w1");
  auto before = b.store.stored.last_event;
  auto given = b.give(bench::build(), bench::onto("w1"));
  CHECK(given->is_open());
  CHECK(b.machine_calls_of["w1"].told.empty());
  auto made = b.commit();
  REQUIRE(given->value);
  const auto& said = std::get<accepted>(**given->value);
  CHECK(said.seq == before);
  CHECK(said.versions == made.receipts.at(0).versions);
  CHECK(made.receipts[0].who == "alice");
  // Its machine and its rollout heard of it.
  REQUIRE(b.machine_calls_of["w1"].told.size() == 1);
  CHECK(b.machine_calls_of["w1"].told[0].put.size() == 1);
}

TEST_CASE("an order that is repeated gets the answer that it had") {
  bench b{0};
  b.start();
  b.join("w1");
  auto first = b.give(bench::build(), bench::onto("w1"));
  b.commit();
  b.join("w2");
  auto again = b.give(bench::build(), bench::onto("w1"));
  CHECK(b.store.commits.empty());
  REQUIRE(again->value);
  CHECK(std::get<accepted>(**again->value).seq == std::get<accepted>(**first->value).seq);
}

TEST_CASE("an order that is repeated while it is being stored is carried out once") {
  bench b{0};
  b.start();
  b.join("w1");
  auto first = b.give(bench::build(), bench::onto("w1"));
  auto again = b.give(bench::build(), bench::onto("w1"));
  b.commit();
  CHECK(b.store.commits.empty());
  CHECK(b.store.stored.versions.size() == 1);
  CHECK(first->value);
  CHECK(again->value);
}

TEST_CASE("an order that is refused is answered with why") {
  bench b{0};
  b.start();
  auto given = b.give(undeploy{"o", "shop", "web"}, {});
  CHECK(b.store.commits.empty());
  REQUIRE(given->error);
  CHECK(given->error->message == "there is no group shop/web");
}

TEST_CASE("an order whose plan is stale is answered with nothing: make another plan") {
  bench b{0};
  b.start();
  b.join("w1");
  auto viewed = b.view_for(bench::build());
  REQUIRE(viewed->value);
  b.lose("w1");
  b.commit();
  auto given = b.give(bench::build(), bench::onto("w1", (*viewed->value)->revisions));
  CHECK(b.store.commits.empty());
  REQUIRE(given->value);
  CHECK_FALSE(*given->value);
}

// -- a store that fails ---------------------------------------------------------------------------

TEST_CASE("an order that could not be stored is refused, and the farm is as the store has it") {
  bench b{0};
  b.start();
  b.join("w1");
  auto given = b.give(bench::build(), bench::onto("w1"));
  b.fail_commit();
  REQUIRE(given->error);
  CHECK(given->error->message == "disk full");
  CHECK(b.store.loads == 1);
  CHECK(b.machine_calls_of["w1"].told.empty());
  b.give(bench::build(2), bench::onto("w1"));
  auto made = b.commit();
  CHECK(made.versions.at(0).id == 1);
}

TEST_CASE(
  "that nothing can be stored is told to watchers and to whoever asks, until something can") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.fail_commit({failure_code::internal, "disk full", "make room"});
  auto asked = b.query_machines();
  const auto& troubles = rows_in(asked).troubles;
  REQUIRE(troubles.size() == 1);
  CHECK(troubles[0].what == "nothing can be stored: disk full");
  CHECK(troubles[0].hint.starts_with("make room; "));
  b.give(bench::build(), bench::onto("w1"));
  b.fail_commit({failure_code::internal, "disk full", "make room"});
  CHECK(b.store.told.size() == 1);
  // Nobody wants anything, and still it is seen that the disk has room again.
  b.pass(5100ms);
  b.fail_commit();
  CHECK(b.store.told.size() == 1);
  b.pass(5100ms);
  b.commit();
  REQUIRE(b.store.told.size() == 2);
  CHECK(std::get<trouble_change>(b.store.told[0].what).machine.empty());
  CHECK(std::get<trouble_change>(b.store.told[1].what).over);
  asked = b.query_machines();
  CHECK(rows_in(asked).troubles.empty());
}

TEST_CASE("a strategy that fails what is deployed is told of until it places again, or is unused") {
  bench b{0};
  auto app = small_farm::web(1);
  app.strategy = "mine";
  b.farm.add_machine("w1");
  auto version = b.farm.deploy(app, 1);
  b.farm.state.groups.at(1).deployed_version = version;
  b.farm.state.rollouts.clear();
  b.start();
  b.kept.told.clear();
  auto whats = [&] {
    std::vector<std::string> out;
    auto asked = b.query_machines();
    for (const auto& each : rows_in(asked).troubles)
      out.push_back(each.what);
    return out;
  };
  b.tell(b.subject, atom::trouble_v, std::string{"mine"}, std::string{"it sleeps"});
  CHECK(whats() == std::vector<std::string>{"it sleeps"});
  CHECK(b.store.told.size() == 1);
  b.tell(b.subject, atom::trouble_v, std::string{"mine"}, std::string{"it raves"});
  CHECK(whats() == std::vector<std::string>{"it raves"});
  CHECK(b.store.told.size() == 3);
  CHECK(b.kept.told.empty());
  b.tell(b.subject, atom::trouble_v, std::string{"mine"}, std::string{});
  CHECK(whats().empty());
  CHECK(std::get<trouble_change>(b.store.told.back().what).over);
  CHECK(b.kept.told == std::vector<std::string>{"1 strategy mine places again"});
  b.tell(b.subject, atom::trouble_v, std::string{"yours"}, std::string{"nobody uses it"});
  CHECK(whats().empty());
}

TEST_CASE("a machine whose arrival could not be stored is not there") {
  bench b{0};
  b.start();
  b.join("w1");
  b.lose("w1");
  b.commit();
  b.say_hello("w1");
  b.fail_commit();
  auto machines = b.query_machines();
  CHECK(rows_in(machines).machines.at(0).state == machine_state::unreachable);
}

TEST_CASE("a machine that is lost while the store is away is told so when the store is back") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.store.is_away = true;
  b.fail_commit();
  b.lose("w1");
  b.store.is_away = false;
  b.pass(3s);
  b.pass(6s);
  // The other one only sees whether something can be stored again.
  std::erase_if(b.store.commits, [](const auto& each) { return is_empty(*each.what); });
  auto made = b.commit();
  REQUIRE(made.machines.size() == 1);
  CHECK(made.machines[0].lost);
  auto machines = b.query_machines();
  CHECK(rows_in(machines).machines.at(0).state == machine_state::unreachable);
}

TEST_CASE("many machines that are lost while the store is away make one look a time") {
  bench b{0};
  b.start();
  constexpr std::size_t machines = 20;
  for (std::size_t i = 0; i < machines; ++i)
    b.join(fmt::format("w{}", i));
  b.give(bench::build(), bench::onto("w1"));
  b.store.is_away = true;
  b.fail_commit();
  for (std::size_t i = 0; i < machines; ++i)
    b.lose(fmt::format("w{}", i));
  for (int i = 0; i < 10; ++i)
    b.pass(3s);
  CHECK(b.scheduler.clock().schedule().size() < 10 * machines);
}

TEST_CASE("what was stored though its commit seemed to fail is told when the farm is loaded") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  messages::apply(b.store.stored, *b.store.commits.at(0).what);
  b.fail_commit();
  REQUIRE(b.machine_calls_of["w1"].told.size() == 1);
  CHECK(b.machine_calls_of["w1"].told[0].put.size() == 1);
  auto again = b.give(bench::build(), bench::onto("w1"));
  CHECK(b.store.stored.versions.size() == 1);
  CHECK(again->value);
}

TEST_CASE("a server that another one has taken over from ends") {
  bench b{0};
  b.start();
  bool is_down = false;
  b.spawn([&is_down, subject = b.subject](caf::event_based_actor* self) -> caf::behavior {
    self->monitor(subject);
    self->set_down_handler([&is_down](const caf::down_msg&) { is_down = true; });
    return {[](atom::tick) {}};
  });
  b.scheduler.run();
  SUBCASE("when it wants to store something") {
    b.say_hello("w1");
    b.fail_commit({failure_code::refused, "another server has taken over", ""});
    CHECK(is_down);
  }
  SUBCASE("when it has nothing to store") {
    b.pass(5100ms);
    CHECK_FALSE(is_down);
    b.store.is_led_by_another = true;
    b.pass(5100ms);
    CHECK(is_down);
  }
  SUBCASE("as soon as somebody has seen that one") {
    b.store.is_led_by_another = true;
    b.tell(b.subject, atom::lead_v);
    CHECK(is_down);
  }
}

TEST_CASE("a server that cannot renew its lease says that what it shows may be old") {
  bench b{0};
  b.start();
  b.scheduler.run();
  auto troubles = [&] {
    auto asked = b.query_machines();
    return std::get<table>(**asked->value).troubles;
  };
  b.pass(10s);
  CHECK(troubles().empty());
  b.store.is_silent = true;
  b.pass(2s);
  CHECK(troubles().empty());
  b.pass(3s);
  REQUIRE(troubles().size() == 1);
  CHECK(troubles()[0].what.starts_with("this server does not know whether it still leads"));
  b.store.is_silent = false;
  b.pass(1s);
  CHECK(troubles().empty());
}

TEST_CASE("which servers there are the store tells") {
  bench b{0};
  b.start();
  b.scheduler.run();
  query asked;
  asked.subject = query_subject::servers;
  auto answer
    = b.ask<message_ptr>(b.subject, atom::question_v, caller{},
                         envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, asked})});
  REQUIRE(answer->value);
  auto rows = std::get<table>(**answer->value).servers;
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].name == "alpha");
}

// -- who is there ---------------------------------------------------------------------------------

TEST_CASE("after the start what has to be placed waits until it is known who is there") {
  bench b{2};
  b.start();
  auto viewed = b.view_for(bench::build());
  CHECK(viewed->is_open());
  b.join("w1");
  CHECK(viewed->is_open());
  SUBCASE("as all have come") {
    b.join("w2");
    REQUIRE(viewed->value);
    CHECK((*viewed->value)->machines.at(1).reachable);
  }
  SUBCASE("as the others are given up") {
    b.pass(5s);
    b.pass(1100ms);
    b.commit();
    REQUIRE(viewed->value);
    CHECK((*viewed->value)->machines.at(0).reachable);
    CHECK_FALSE((*viewed->value)->machines.at(1).reachable);
  }
}

TEST_CASE("what needs nothing placed does not wait for machines") {
  bench b{2};
  b.farm.deploy(small_farm::web(1), 1);
  b.start();
  auto viewed = b.view_for(undeploy{"o", "shop", "web"});
  REQUIRE(viewed->value);
  CHECK((*viewed->value)->wishes.empty());
  b.give(undeploy{"o", "shop", "web"}, {});
  CHECK(b.store.commits.size() == 1);
}

TEST_CASE("machines that do not come back after the start are given up, those that come are not") {
  bench b{2};
  b.start();
  b.join("w1");
  b.pass(5s);
  CHECK(b.store.commits.empty());
  b.pass(1100ms);
  auto made = b.commit();
  REQUIRE(told<machine_change>(made).size() == 1);
  CHECK(told<machine_change>(made)[0].machine == "w2");
  CHECK(told<machine_change>(made)[0].to == machine_state::unreachable);
}

TEST_CASE("a hello is answered when it is stored, with what the server has") {
  bench b{1};
  b.farm.deploy(small_farm::web(1), 1);
  b.start();
  auto said = b.say_hello("w1");
  CHECK(said->is_open());
  b.commit();
  REQUIRE(said->value);
  auto head = assignment_head_of(b.store.stored, "w1");
  CHECK((*said->value)->assignment == head);
}

TEST_CASE("a machine that is lost is told no more, and its questions are refused") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto id = b.store.stored.instances.begin()->first;
  auto log = envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, read_log{id}})};
  CHECK(b.ask<message_ptr>(b.subject, atom::question_v, caller{}, log)->value);
  CHECK(b.machine_calls_of["w1"].questions == 1);
  b.lose("w1");
  b.commit();
  auto refused = b.ask<message_ptr>(b.subject, atom::question_v, caller{}, log);
  REQUIRE(refused->error);
  CHECK(refused->error->code == failure_code::unreachable);
  b.give(undeploy{"o", "shop", "web"}, {});
  b.commit();
  CHECK(b.machine_calls_of["w1"].told.size() == 1);
}

TEST_CASE("of an instance that is forgotten its machine is asked, and says whose it was") {
  bench b{0};
  b.start();
  b.join("w1");
  b.machine_calls_of["w1"].kept.instance = "web-0";
  b.machine_calls_of["w1"].kept.namespace_ = "shop";
  auto ask = [&](const read_log& wanted, const caller& who) {
    return b.ask<message_ptr>(
      b.subject, atom::question_v, who,
      envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, wanted})});
  };
  auto code_of = [&](const read_log& wanted, const caller& who = {}) {
    auto refused = ask(wanted, who);
    REQUIRE(refused->error);
    return refused->error->code;
  };
  CHECK(ask({.instance = "web-0", .machine = "w1"}, {})->value);
  CHECK(ask({.instance = "web-0", .machine = "w1"}, {"bob", key_role::viewer, {"shop"}})->value);
  CHECK(code_of({.instance = "web-0"}) == failure_code::not_found);
  CHECK(code_of({.instance = "web-0", .machine = "w2"}) == failure_code::not_found);
  CHECK(code_of({.instance = "web-0", .machine = "w1"}, {"eve", key_role::viewer, {"bank"}})
        == failure_code::not_found);
  b.machine_calls_of["w1"].kept = {};
  CHECK(code_of({.instance = "web-0", .machine = "w1"}) == failure_code::not_found);
}

TEST_CASE("all machines are asked for logs of what is gone, and those out of reach are named") {
  bench b{2};
  b.start();
  b.join("w1");
  b.machine_calls_of["w1"].kept.instance = "web-0";
  auto found = b.ask<message_ptr>(
    b.subject, atom::question_v, caller{},
    envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, find_logs{"web-0", "", ""}})});
  REQUIRE(found->value);
  const auto& all = std::get<found_logs>(**found->value);
  REQUIRE(all.logs.size() == 1);
  CHECK(all.logs[0].machine == "w1");
  CHECK(all.silent == std::vector<std::string>{"w2"});
}

TEST_CASE("only the machines with such instances are asked what they use") {
  bench b{2};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto id = b.store.stored.instances.begin()->first;
  b.machine_calls_of["w1"].uses = {{id, 50, 1, 2, 3}, {"of-others", 99, 1, 1, 1}};
  auto measure_for = [&](const caller& who, const measure& wanted) {
    auto found
      = b.ask<message_ptr>(b.subject, atom::question_v, who,
                           envelope_ptr{std::make_shared<const envelope>(envelope{1, 1, wanted})});
    REQUIRE(found->value);
    return std::get<measured>(**found->value);
  };
  auto all = measure_for({}, {});
  REQUIRE(all.usages.size() == 1);
  CHECK(all.usages[0].id == id);
  CHECK(all.silent.empty());
  auto asked = b.machine_calls_of["w1"].questions;
  CHECK(measure_for({}, {"bank", ""}).usages.empty());
  CHECK(measure_for({"eve", key_role::viewer, {"bank"}}, {}).usages.empty());
  CHECK(b.machine_calls_of["w1"].questions == asked);
}

TEST_CASE("a machine gets all that should be on it, and then what changes, from there on") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto all = b.ask<assignment_difference_ptr>(b.subject, atom::assign_v, std::string{"w1"});
  REQUIRE(all->value);
  CHECK((*all->value)->base == 0);
  CHECK((*all->value)->put.size() == 1);
  b.give(undeploy{"o", "shop", "web"}, {});
  b.commit();
  const auto& told = b.machine_calls_of["w1"].told;
  REQUIRE(told.size() == 2);
  CHECK(told[1].base == (*all->value)->head.generation);
  CHECK(told[1].removed.size() == 1);
}

// -- rollouts and upkeep --------------------------------------------------------------------------

TEST_CASE("a rollout is taken from its build to its end, step by step as reports come in") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto report = [&](auto change_seen) {
    auto seen = b.store.stored.instances.begin()->second.seen;
    change_seen(seen);
    auto done = b.report("w1", {seen});
    b.commit();
    CHECK(done->value == true);
  };
  report([](observation& seen) { seen.fetched = true; });
  CHECK(b.commit().rollouts.at(0).phase == rollout_phase::starting);
  report([](observation& seen) { seen.state = instance_state::ready; });
  CHECK(b.commit().groups.at(0).deployed_version == 1);
  CHECK(b.kept.told.empty());
  auto last = b.commit();
  REQUIRE(last.finished_rollouts.size() == 1);
  CHECK(last.finished_rollouts[0].outcome == rollout_outcome::succeeded);
  CHECK(b.kept.told == std::vector<std::string>{"1 its rollout has ended"});
  CHECK(b.store.commits.empty());
}

TEST_CASE("a rollout gets no news while its decision is being stored") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto seen = b.store.stored.instances.begin()->second.seen;
  seen.fetched = true;
  b.report("w1", {seen});
  b.commit();
  REQUIRE(b.store.commits.size() == 1);
  // The instance is ready before the step that starts it is stored.
  seen.state = instance_state::ready;
  b.report("w1", {seen});
  CHECK(b.commit().rollouts.at(0).phase == rollout_phase::starting);
  b.commit();
  CHECK(b.commit().rollouts.at(0).phase == rollout_phase::stopping_old);
}

TEST_CASE("UPKEEP hears of what may concern what is deployed") {
  bench b{1};
  auto version = b.farm.deploy(small_farm::web(1), 1);
  b.farm.state.rollouts.clear();
  b.farm.state.groups.at(1).deployed_version = version;
  b.start();
  CHECK(b.kept.told == std::vector<std::string>{"1 the server has started"});
  b.kept.told.clear();
  SUBCASE("a machine that joins") {
    b.join("w2");
    CHECK(b.kept.told == std::vector<std::string>{"1 w2 has joined"});
  }
  SUBCASE("a machine that is back") {
    b.lose("w1");
    b.commit();
    b.join("w1");
    CHECK(b.kept.told == std::vector<std::string>{"1 w1 is back"});
  }
  SUBCASE("but not a machine that is as it was") {
    b.join("w1");
    CHECK(b.kept.told.empty());
  }
}

namespace {

/// Four machines, of which one has the only instance of what is replaced after a minute of silence.
struct patient_bench : bench {
  patient_bench() : bench(4) {
    auto app = small_farm::web(1);
    app.replace_after = duration{60'000};
    auto version = farm.deploy(app, 1);
    farm.state.rollouts.clear();
    farm.state.groups.at(1).deployed_version = version;
    farm.state.groups.at(1).pending_version = 0;
    its_machine = farm.state.instances.begin()->second.machine;
    start();
    for (const auto& [name, row] : farm.state.machines)
      say_hello(name);
    while (!store.commits.empty())
      commit();
    kept.told.clear();
  }

  void fall_silent(const std::string& name) {
    lose(name);
    commit();
    kept.told.clear();
  }

  std::string another() const {
    return its_machine == "w1" ? "w2" : "w1";
  }

  /// How many of its instances count as there when the group is looked at.
  std::uint64_t counted() {
    auto viewed = ask<plan_view_ptr>(subject, atom::view_v, std::uint64_t{1});
    REQUIRE(viewed->value);
    const auto& own = (*viewed->value)->own.at(0);
    auto found = own.find(its_machine);
    return found == own.end() ? 0 : found->second;
  }

  std::string its_machine;
};

} // namespace

TEST_CASE("what ran on a machine counts as missing once that was silent for so long, not before") {
  patient_bench b;
  b.fall_silent(b.its_machine);
  b.jump(59s);
  CHECK(b.kept.told.empty());
  CHECK(b.counted() == 1);
  b.jump(1s);
  CHECK(b.kept.told == std::vector<std::string>{"1 " + b.its_machine + " is silent for 60 s"});
  CHECK(b.counted() == 0);
}

TEST_CASE("a machine that is back in time is not given up, and its next silence counts anew") {
  patient_bench b;
  b.fall_silent(b.its_machine);
  b.jump(40s);
  b.join(b.its_machine);
  b.jump(10s);
  b.fall_silent(b.its_machine);
  b.jump(59s);
  CHECK(b.counted() == 1);
  b.jump(1s);
  CHECK(b.kept.told.back() == "1 " + b.its_machine + " is silent for 60 s");
  CHECK(b.counted() == 0);
}

TEST_CASE("where too many machines are silent nothing counts as missing, and who asks is told") {
  patient_bench b;
  b.fall_silent(b.its_machine);
  CHECK(rows_in(b.query_machines()).troubles.empty());
  b.fall_silent(b.another());
  auto troubles = rows_in(b.query_machines()).troubles;
  REQUIRE(troubles.size() == 1);
  CHECK(troubles[0].what.starts_with("2 of 4 machines are silent"));
  b.jump(61s);
  CHECK(b.kept.told.empty());
  // It is told to all.
  CHECK(b.commit().events.size() == 1);
  CHECK(b.counted() == 1);
  b.join(b.another());
  CHECK(rows_in(b.query_machines()).troubles.empty());
  CHECK(b.counted() == 0);
}

TEST_CASE("UPKEEP is told what its look at a group came to") {
  bench b{0};
  b.start();
  b.join("w1");
  b.give(bench::build(), bench::onto("w1"));
  b.commit();
  auto mend = [&](plan p) {
    return b.ask<upkeep_outcome>(b.subject, atom::upkeep_v, std::uint64_t{1},
                                 plan_ptr{std::make_shared<const plan>(std::move(p))},
                                 std::string{"because"});
  };
  // Its rollout is under way.
  CHECK(mend({})->value == upkeep_outcome::satisfied);
  CHECK(mend({{{1, 99}}, {}})->value == upkeep_outcome::stale);
  auto viewed = b.ask<plan_view_ptr>(b.subject, atom::view_v, std::uint64_t{1});
  REQUIRE(viewed->value);
  CHECK((*viewed->value)->wishes.empty());
}
