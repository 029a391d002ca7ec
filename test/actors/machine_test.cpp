#include "actors/machine.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

agent_introduction agent(std::uint64_t generation = 0, std::uint64_t digest = 0,
                         const std::string& incarnation = "first") {
  agent_introduction out;
  out.name = "w1";
  out.identity = "x";
  out.incarnation = incarnation;
  out.generation = generation;
  out.assignment_digest = digest;
  return out;
}

briefing_ptr brief(std::uint64_t generation, std::uint64_t digest, std::uint64_t observed = 0) {
  return std::make_shared<const briefing>(briefing{{generation, digest}, observed});
}

/// An instance more, from one generation to another.
assignment_difference_ptr difference(std::uint64_t base, std::uint64_t generation) {
  assignment_difference out{base, {generation, generation * 100}, {}, {}};
  out.put.emplace_back().id = "web-" + std::to_string(generation);
  return std::make_shared<const assignment_difference>(std::move(out));
}

/// A MACHINE; the agent's connection is "a" unless said otherwise.
struct bench : test::actors_bench {
  bench() {
    gateway = spawn(test::recording_gateway, &out);
    deployminator = spawn(test::fake_deployminator, &farm);
    sessions = spawn(test::fake_sessions, &told);
    subject = spawn(actors::machine, machine_config{"w1", gateway, deployminator, sessions, 7,
                                                    "tcp://collect", "tcp://publish"});
    scheduler.run();
  }

  void take(message body, std::uint64_t id = 0, const std::string& peer = "a") {
    tell(subject, atom::deliver_v,
         received{3, peer, std::make_shared<const envelope>(envelope{id, 0, std::move(body)}), {}});
  }

  void greet(const agent_introduction& who, std::uint64_t id = 1, const std::string& peer = "a") {
    hello h{.role = peer_role::agent};
    h.agent = who;
    take(h, id, peer);
  }

  void join_as(const briefing_ptr& b) {
    answer(*this, deployminator, farm.joins, b);
  }

  /// A session with an agent that holds the generation 4, as it should.
  void begin() {
    greet(agent(4, 400));
    join_as(brief(4, 400));
    out.all.clear();
  }

  void assign(const assignment_difference_ptr& d) {
    tell(subject, atom::assign_v, d);
  }

  void confirm(std::uint64_t generation) {
    take(assigned{generation, generation * 100});
  }

  void lose() {
    tell(subject, atom::lost_v, std::string{"silence"}, timestamp{});
  }

  [[nodiscard]] std::vector<assignment> assignments() const {
    return out.of<assignment>();
  }

  test::outbox out;
  test::deployminator_calls farm;
  test::sessions_calls told;
  gateway_actor gateway;
  test::fake_deployminator_actor deployminator;
  sessions_actor sessions;
  machine_actor subject;
};

} // namespace

// -- joining --------------------------------------------------------------------------------------

TEST_CASE("an agent that has what it should have is welcomed, and sent nothing") {
  bench b;
  b.greet(agent(4, 400), 17);
  CHECK(b.out.all.empty());
  b.join_as(brief(4, 400));
  REQUIRE(b.out.all.size() == 1);
  CHECK(b.out.all[0].peer == "a");
  CHECK(b.out.all[0].envelope->id == 17);
  CHECK(b.out.all[0].envelope->epoch == 7);
  CHECK_FALSE(b.out.of<welcome>().at(0).report_wanted);
  CHECK(b.farm.assignments.empty());
}

TEST_CASE("an agent that sees other things than the server knows is asked to report all") {
  bench b;
  b.greet(agent(4, 400));
  b.join_as(brief(4, 400, 55));
  CHECK(b.out.of<welcome>().at(0).report_wanted);
}

TEST_CASE("an agent that holds something else gets all that should be there") {
  for (auto held : {agent(3, 300), agent(4, 401), agent(0, 0)}) {
    bench b;
    b.greet(held);
    b.join_as(brief(4, 400));
    CHECK(b.out.of<welcome>().size() == 1);
    REQUIRE(b.farm.assignments.size() == 1);
    CHECK(b.farm.assignments[0].what == "w1");
    answer(b, b.deployminator, b.farm.assignments, difference(0, 4));
    REQUIRE(b.assignments().size() == 1);
    CHECK(b.assignments()[0].base == 0);
    CHECK(b.assignments()[0].generation == 4);
    CHECK(b.assignments()[0].digest == 400);
  }
}

TEST_CASE("hellos that are repeated join once, and the newest is answered") {
  bench b;
  b.greet(agent(), 1);
  b.greet(agent(), 2);
  b.greet(agent(), 3, "a2");
  CHECK(b.farm.joins.size() == 1);
  b.join_as(brief(0, 0));
  REQUIRE(b.out.of<welcome>().size() == 1);
  CHECK(b.out.all[0].peer == "a2");
  CHECK(b.out.all[0].envelope->id == 3);
}

TEST_CASE("a hello that is repeated after the welcome is answered alike, and joins nothing anew") {
  bench b;
  b.begin();
  b.greet(agent(4, 400), 9);
  CHECK(b.farm.joins.empty());
  REQUIRE(b.out.of<welcome>().size() == 1);
  CHECK(b.out.all[0].envelope->id == 9);
}

TEST_CASE("an agent that is connected hears of the server's next key, and so do those to come") {
  bench b;
  b.begin();
  next_server_key coming{"next", {7}};
  b.tell(b.subject, atom::rotate_v, std::make_shared<const next_server_key>(coming));
  REQUIRE(b.out.of<welcome>().size() == 1);
  CHECK(b.out.of<welcome>()[0].next_server_key == coming);
  b.lose();
  b.out.all.clear();
  b.greet(agent(4, 400));
  b.join_as(brief(4, 400));
  REQUIRE(b.out.of<welcome>().size() == 1);
  CHECK(b.out.of<welcome>()[0].next_server_key == coming);
  b.tell(b.subject, atom::rotate_v, next_server_key_ptr{});
  b.out.all.clear();
  b.greet(agent(4, 400), 9);
  CHECK_FALSE(b.out.of<welcome>().at(0).next_server_key);
}

TEST_CASE("an agent that was started anew joins anew, also while it was joining") {
  bench b;
  b.greet(agent(0, 0, "first"));
  b.greet(agent(0, 0, "second"), 2);
  REQUIRE(b.farm.joins.size() == 2);
  b.join_as(brief(0, 0));
  CHECK(b.out.all.empty());
  b.join_as(brief(0, 0));
  REQUIRE(b.out.of<welcome>().size() == 1);
  CHECK(b.out.all[0].envelope->id == 2);
}

TEST_CASE("an agent that is lost while it joins gets no session") {
  bench b;
  b.greet(agent());
  b.lose();
  b.join_as(brief(1, 100));
  CHECK(b.out.all.empty());
  CHECK(b.farm.assignments.empty());
  CHECK(b.farm.lost == std::vector<std::string>{"w1: silence"});
  SUBCASE("and comes again") {
    b.greet(agent(), 5);
    REQUIRE(b.farm.joins.size() == 1);
    b.join_as(brief(0, 0));
    CHECK(b.out.of<welcome>().size() == 1);
  }
}

TEST_CASE("the answer to a hello before the loss is none to the hello after it") {
  bench b;
  b.greet(agent(), 1);
  b.lose();
  b.greet(agent(), 2);
  REQUIRE(b.farm.joins.size() == 2);
  b.join_as(brief(0, 0));
  CHECK(b.out.all.empty());
  b.join_as(brief(0, 0));
  CHECK(b.out.of<welcome>().size() == 1);
}

TEST_CASE("an agent that the farm refuses hears why, and its name is free") {
  bench b;
  b.greet(agent(), 5);
  refuse(b, b.deployminator, b.farm.joins, {failure_code::refused, "not this one", ""});
  REQUIRE(b.out.of<refusal>("a").size() == 1);
  CHECK(b.out.of<refusal>()[0].error.message == "not this one");
  CHECK(b.out.all[0].envelope->id == 5);
  CHECK(b.told.refused == std::vector<std::string>{"w1 a"});
  b.greet(agent(), 6);
  CHECK(b.farm.joins.size() == 1);
}

TEST_CASE("a refused agent says nothing about the machine that its name belongs to") {
  bench b;
  b.greet(agent());
  refuse(b, b.deployminator, b.farm.joins, {failure_code::refused, "not this one", ""});
  CHECK(b.farm.lost.empty());
}

TEST_CASE("an agent that is refused when it comes back is lost") {
  bench b;
  b.begin();
  b.greet(agent(9, 900, "second"), 2, "a2");
  refuse(b, b.deployminator, b.farm.joins, {failure_code::refused, "not this one", ""});
  CHECK(b.farm.lost == std::vector<std::string>{"w1: its agent's hello was refused: not this one"});
  CHECK(b.told.refused == std::vector<std::string>{"w1 a2"});
}

// -- the assignment -------------------------------------------------------------------------------

TEST_CASE("differences are sent one at a time, so that their base is certain") {
  bench b;
  b.begin();
  b.assign(difference(4, 5));
  REQUIRE(b.assignments().size() == 1);
  CHECK(b.assignments()[0].base == 4);
  b.assign(difference(5, 6));
  b.assign(difference(6, 7));
  CHECK(b.assignments().size() == 1);
  b.confirm(5);
  REQUIRE(b.assignments().size() == 2);
  auto both = b.assignments()[1];
  CHECK(both.base == 5);
  CHECK(both.generation == 7);
  CHECK(both.digest == 700);
  CHECK(both.put.size() == 2);
  b.confirm(7);
  b.assign(difference(7, 8));
  CHECK(b.assignments().at(2).base == 7);
  CHECK(b.farm.assignments.empty());
}

TEST_CASE("a difference to something else than the agent holds is not sent: all is") {
  bench b;
  b.begin();
  b.assign(difference(3, 5));
  CHECK(b.assignments().empty());
  REQUIRE(b.farm.assignments.size() == 1);
  SUBCASE("once, and what comes meanwhile is in it") {
    b.assign(difference(5, 6));
    CHECK(b.farm.assignments.size() == 1);
    answer(b, b.deployminator, b.farm.assignments, difference(0, 6));
    REQUIRE(b.assignments().size() == 1);
    CHECK(b.assignments()[0].base == 0);
    b.confirm(6);
    b.assign(difference(6, 7));
    CHECK(b.assignments().size() == 2);
  }
}

TEST_CASE("an assignment that is not confirmed in time is followed by all that should be there") {
  bench b;
  b.begin();
  b.assign(difference(4, 5));
  b.pass(1900ms);
  CHECK(b.farm.assignments.empty());
  b.pass(200ms);
  REQUIRE(b.farm.assignments.size() == 1);
  answer(b, b.deployminator, b.farm.assignments, difference(0, 5));
  REQUIRE(b.assignments().size() == 2);
  CHECK(b.assignments()[1].base == 0);
  b.confirm(5);
  b.pass(5s);
  CHECK(b.assignments().size() == 2);
  CHECK(b.farm.assignments.empty());
}

TEST_CASE("an answer that does not fit what was sent confirms nothing") {
  bench b;
  b.begin();
  b.assign(difference(4, 5));
  b.take(assigned{4, 400});
  b.take(assigned{5, 501});
  b.assign(difference(5, 6));
  CHECK(b.assignments().size() == 1);
}

TEST_CASE("a difference for an agent that is not there is not sent when it comes") {
  bench b;
  b.assign(difference(3, 4));
  CHECK(b.out.all.empty());
  b.greet(agent(4, 400));
  b.join_as(brief(4, 400));
  CHECK(b.assignments().empty());
}

TEST_CASE("what was in flight when the agent was lost is not taken for what it holds") {
  bench b;
  b.begin();
  b.assign(difference(4, 5));
  b.lose();
  b.greet(agent(4, 400));
  b.join_as(brief(5, 500));
  CHECK(b.farm.assignments.size() == 1);
  b.confirm(5);
  answer(b, b.deployminator, b.farm.assignments, difference(0, 5));
  CHECK(b.assignments().back().base == 0);
}

TEST_CASE("what was asked for in an earlier session is no answer in this one") {
  bench b;
  b.greet(agent(3, 300), 1);
  b.join_as(brief(4, 400));
  REQUIRE(b.farm.assignments.size() == 1);
  b.lose();
  b.greet(agent(3, 300), 2);
  b.join_as(brief(6, 600));
  REQUIRE(b.farm.assignments.size() == 2);
  answer(b, b.deployminator, b.farm.assignments, difference(0, 4));
  CHECK(b.assignments().empty());
  answer(b, b.deployminator, b.farm.assignments, difference(0, 6));
  REQUIRE(b.assignments().size() == 1);
  CHECK(b.assignments()[0].generation == 6);
}

TEST_CASE("a machine that cannot be told its assignment asks again") {
  bench b;
  b.greet(agent(3, 300));
  b.join_as(brief(4, 400));
  refuse(b, b.deployminator, b.farm.assignments, {failure_code::internal, "disk full", ""});
  CHECK(b.farm.assignments.empty());
  b.pass(2100ms);
  CHECK(b.farm.assignments.size() == 1);
}

// -- reports --------------------------------------------------------------------------------------

TEST_CASE("a report is confirmed when it is stored") {
  bench b;
  b.begin();
  b.take(report{1});
  REQUIRE(b.farm.reports.size() == 1);
  CHECK(b.farm.reports[0].what.machine == "w1");
  CHECK(b.farm.reports[0].what.news->revision == 1);
  CHECK(b.out.all.empty());
  answer(b, b.deployminator, b.farm.reports, true);
  REQUIRE(b.out.of<reported>("a").size() == 1);
  CHECK(b.out.of<reported>()[0].revision == 1);
}

TEST_CASE("a report that could not be stored is not confirmed") {
  bench b;
  b.begin();
  b.take(report{1});
  refuse(b, b.deployminator, b.farm.reports, {failure_code::internal, "disk full", ""});
  CHECK(b.out.of<reported>().empty());
  b.take(report{2});
  CHECK(b.farm.reports.size() == 1);
}

TEST_CASE("reports that are repeated or late say nothing new, until the agent is started anew") {
  bench b;
  b.begin();
  b.take(report{2});
  b.take(report{2});
  b.take(report{1});
  CHECK(b.farm.reports.size() == 1);
  b.take(report{3});
  CHECK(b.farm.reports.size() == 2);
  SUBCASE("the same agent counts on over another connection") {
    b.greet(agent(4, 400), 1, "a2");
    b.join_as(brief(4, 400));
    b.take(report{3}, 0, "a2");
    CHECK(b.farm.reports.size() == 2);
    b.take(report{4}, 0, "a2");
    CHECK(b.farm.reports.size() == 3);
  }
  SUBCASE("another process counts anew") {
    b.greet(agent(4, 400, "second"));
    b.join_as(brief(4, 400));
    b.take(report{1});
    CHECK(b.farm.reports.size() == 3);
  }
}

TEST_CASE("what is said before the welcome, or over a connection that is over, is not heard") {
  bench b;
  b.greet(agent(4, 400));
  b.take(report{1});
  CHECK(b.farm.reports.empty());
  b.join_as(brief(4, 400));
  b.take(report{1}, 0, "somebody else");
  CHECK(b.farm.reports.empty());
  b.lose();
  b.take(report{1});
  CHECK(b.farm.reports.empty());
}

// -- questions ------------------------------------------------------------------------------------

namespace {

envelope_ptr log_question() {
  return std::make_shared<const envelope>(envelope{99, 0, read_log{"web-1"}});
}

} // namespace

TEST_CASE("a question goes to the agent under a number of its own, and the answer comes back") {
  bench b;
  b.begin();
  auto first = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  auto second = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  REQUIRE(b.out.of<read_log>("a").size() == 2);
  auto id = b.out.all[1].envelope->id;
  CHECK(id != b.out.all[0].envelope->id);
  b.take(log_chunk{.offset = 12}, id);
  CHECK(first->is_open());
  REQUIRE(second->value);
  CHECK(std::get<log_chunk>(**second->value).offset == 12);
}

TEST_CASE("an agent's refusal of a question is passed on") {
  bench b;
  b.begin();
  auto asked = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  b.take(refusal{{failure_code::not_found, "no such log", ""}}, b.out.all.at(0).envelope->id);
  REQUIRE(asked->error);
  CHECK(asked->error->message == "no such log");
}

TEST_CASE("a question that an agent does not answer within 10 s is refused") {
  bench b;
  b.begin();
  auto asked = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  b.pass(9900ms);
  CHECK(asked->is_open());
  b.pass(200ms);
  REQUIRE(asked->error);
  CHECK(asked->error->code == failure_code::timeout);
}

TEST_CASE("questions to an agent that is lost are refused at once") {
  bench b;
  b.begin();
  auto asked = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  b.lose();
  REQUIRE(asked->error);
  CHECK(asked->error->code == failure_code::unreachable);
  auto later = b.ask<message_ptr>(b.subject, atom::question_v, log_question());
  REQUIRE(later->error);
  CHECK(later->error->message == "machine w1 is out of reach");
}
