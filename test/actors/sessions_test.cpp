#include "actors/sessions.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

/// What SESSIONS passed on to OUTSIDE STRATEGIES: `PEER TYPE` and `PEER is lost: WHY`.
outside_strategies_actor::behavior_type fake_strategies(outside_strategies_actor::pointer,
                                                        std::vector<std::string>* heard) {
  return {
    [=](atom::deliver, const received& in) {
      heard->push_back(
        in.peer + " "
        + std::string{std::visit([](const auto& each) { return each.type; }, in.envelope->body)});
    },
    [=](atom::lost, const std::string& peer, const std::string& why) {
      heard->push_back(peer + " is lost: " + why);
    },
    [](atom::tick, std::uint64_t) {},
    [](atom::place, const placement_request_ptr&) -> caf::result<placement_ptr> {
      return std::make_shared<const placement>();
    },
  };
}

/// SESSIONS of epoch 7, with real MACHINES.
struct bench : test::actors_bench {
  explicit bench(bool asks_for_keys = false, std::size_t calm_from = 2000,
                 const timestamp* now = nullptr) {
    gateway = spawn(test::recording_gateway, &out);
    deployminator = spawn(test::fake_deployminator, &farm);
    orders = spawn(test::fake_orders, &given);
    publisher = spawn(test::fake_publisher, &published);
    subject = spawn(actors::sessions,
                    sessions_config{gateway, deployminator, orders, publisher, 7, "tcp://publish",
                                    "tcp://collect", "store-1", asks_for_keys,
                                    [now] { return now ? *now : timestamp{5}; }, calm_from,
                                    spawn(fake_strategies, &strategies)});
    scheduler.run();
  }

  void take(const std::string& peer, message body, std::uint64_t id = 0,
            const std::string& key = {}) {
    tell(subject, atom::deliver_v,
         received{3, peer, std::make_shared<const envelope>(envelope{id, 0, std::move(body)}), key,
                  std::nullopt});
  }

  /// These keys are known from now on; the public key of `alice` is `key-alice`.
  void trust(std::vector<access_key> list) {
    std::map<std::uint64_t, access_key> all;
    for (auto& each : list) {
      each.grant.public_key = "key-" + each.grant.name;
      each.id = all.size() + 1;
      all[each.id] = each;
    }
    tell(subject, atom::trust_v,
         keys_ptr{std::make_shared<const std::map<std::uint64_t, access_key>>(std::move(all))});
  }

  static access_key key(const std::string& name, key_role role,
                        std::vector<std::string> namespaces = {}) {
    return {0, {name, role, "", std::move(namespaces), {}}};
  }

  void greet_client(const std::string& peer) {
    take(peer, hello{.role = peer_role::client}, 1);
    out.all.clear();
  }

  static hello agent_hello(const std::string& name, const std::string& identity = "x",
                           const std::string& incarnation = "1") {
    hello h{.role = peer_role::agent};
    h.agent = agent_introduction{name, identity, incarnation};
    return h;
  }

  /// Its machine's session is open when this returns.
  void greet_agent(const std::string& peer, const std::string& name) {
    take(peer, agent_hello(name), 1);
    answer(*this, deployminator, farm.joins, briefing_ptr{std::make_shared<const briefing>()});
    out.all.clear();
  }

  /// Whether the server still has a session with this peer.
  bool knows(const std::string& peer) {
    out.all.clear();
    take(peer, heartbeat{});
    return out.of<unknown_peer>(peer).empty();
  }

  [[nodiscard]] failure refusal_to(const std::string& peer) const {
    auto list = out.of<refusal>(peer);
    REQUIRE(list.size() == 1);
    return list[0].error;
  }

  test::outbox out;
  test::deployminator_calls farm;
  test::orders_calls given;
  test::publisher_calls published;
  std::vector<std::string> strategies;
  gateway_actor gateway;
  test::fake_deployminator_actor deployminator;
  test::fake_orders_actor orders;
  test::fake_publisher_actor publisher;
  sessions_actor subject;
};

template <class Body>
message_ptr shared(Body body) {
  return std::make_shared<const message>(std::move(body));
}

} // namespace

// -- hellos ---------------------------------------------------------------------------------------

TEST_CASE("a client that says hello is welcomed, and told where to listen") {
  bench b;
  b.take("c", hello{.role = peer_role::client}, 17);
  REQUIRE(b.out.all.size() == 1);
  const auto& sent = b.out.all[0];
  CHECK(sent.socket == 3);
  CHECK(sent.peer == "c");
  CHECK(sent.envelope->id == 17);
  CHECK(sent.envelope->epoch == 7);
  const auto& said = std::get<welcome>(sent.envelope->body);
  CHECK(said.publish == "tcp://publish");
  CHECK(said.collect == "tcp://collect");
  CHECK(b.knows("c"));
}

TEST_CASE("a peer that speaks no protocol version of ours is refused") {
  bench b;
  hello h{.lowest = highest_protocol + 1, .highest = highest_protocol + 4};
  b.take("c", h);
  CHECK(b.refusal_to("c").code == failure_code::version);
  CHECK_FALSE(b.knows("c"));
}

TEST_CASE("a peer that has seen a server of a higher epoch is refused, and the store is asked") {
  bench b;
  b.take("c", hello{.epoch = 8});
  CHECK(b.refusal_to("c").code == failure_code::refused);
  CHECK(b.farm.asked_for_lead == 1);
  CHECK_FALSE(b.knows("c"));
}

TEST_CASE("a peer that has seen this server is no reason to ask the store") {
  bench b;
  b.take("c", hello{.epoch = 7});
  CHECK(b.out.of<welcome>("c").size() == 1);
  CHECK(b.farm.asked_for_lead == 0);
}

TEST_CASE("an agent that does not say who it is is refused") {
  bench b;
  b.take("a", hello{.role = peer_role::agent});
  CHECK(b.refusal_to("a").message == "an agent's hello lacks `agent.name`");
  b.out.all.clear();
  b.take("a", bench::agent_hello(""));
  CHECK(b.refusal_to("a").message == "an agent's hello lacks `agent.name`");
  b.out.all.clear();
  b.take("a", bench::agent_hello("w1", "x", ""));
  CHECK(b.refusal_to("a").message == "an agent's hello lacks `agent.incarnation`");
  CHECK(b.farm.joins.empty());
}

TEST_CASE("a peer without a session is told to say hello, and what it said is not looked at") {
  bench b;
  b.take("c", undeploy{"o", "ns", "g"}, 5);
  REQUIRE(b.out.of<unknown_peer>("c").size() == 1);
  CHECK(b.out.all[0].envelope->id == 5);
  CHECK(b.given.empty());
}

TEST_CASE("an agent hears at once that the server is there, and is welcomed when it is known") {
  bench b;
  b.take("a", bench::agent_hello("w1"), 5);
  CHECK(b.out.types() == std::vector<std::string_view>{"heartbeat"});
  REQUIRE(b.farm.joins.size() == 1);
  CHECK(b.farm.joins[0].what.hello->agent->name == "w1");
  answer(b, b.deployminator, b.farm.joins, briefing_ptr{std::make_shared<const briefing>()});
  REQUIRE(b.out.of<welcome>("a").size() == 1);
  CHECK(b.out.all.back().envelope->id == 5);
}

TEST_CASE("an agent that comes again over another connection is the same machine's") {
  bench b;
  b.greet_agent("a", "w1");
  b.take("a2", bench::agent_hello("w1", "x", "2"));
  REQUIRE(b.farm.joins.size() == 1);
  auto second = b.farm.joins[0].what.from;
  answer(b, b.deployminator, b.farm.joins, briefing_ptr{std::make_shared<const briefing>()});
  CHECK_FALSE(b.knows("a"));
  CHECK(b.knows("a2"));
  b.take("a3", bench::agent_hello("w1", "x", "3"));
  REQUIRE(b.farm.joins.size() == 1);
  CHECK(b.farm.joins[0].what.from == second);
}

TEST_CASE("an agent that comes back after it was lost is the same machine's") {
  bench b;
  b.take("a", bench::agent_hello("w1"));
  auto first = b.farm.joins.at(0).what.from;
  b.pass(5s);
  CHECK_FALSE(b.knows("a"));
  b.take("a2", bench::agent_hello("w1"));
  CHECK(b.farm.joins.back().what.from == first);
}

TEST_CASE("agents of two names are two machines") {
  bench b;
  b.take("a", bench::agent_hello("w1"));
  b.take("b", bench::agent_hello("w2"));
  REQUIRE(b.farm.joins.size() == 2);
  CHECK(b.farm.joins[0].what.from != b.farm.joins[1].what.from);
}

TEST_CASE("another agent under the name of one that is connected is refused") {
  bench b;
  b.greet_agent("a", "w1");
  b.take("b", bench::agent_hello("w1", "another"));
  CHECK(b.refusal_to("b").message == "a machine named w1 is connected already");
  CHECK(b.farm.joins.empty());
  CHECK_FALSE(b.knows("b"));
  CHECK(b.knows("a"));
  SUBCASE("until that one is lost") {
    b.pass(5s);
    b.take("b", bench::agent_hello("w1", "another"));
    CHECK(b.farm.joins.size() == 1);
    CHECK(b.knows("b"));
  }
}

TEST_CASE("an agent that the farm refuses does not keep the machine's name from its own agent") {
  bench b;
  b.take("b", bench::agent_hello("w1", "another"), 4);
  refuse(b, b.deployminator, b.farm.joins, {failure_code::refused, "not this one", ""});
  CHECK(b.refusal_to("b").message == "not this one");
  CHECK_FALSE(b.knows("b"));
  b.greet_agent("a", "w1");
  CHECK(b.knows("a"));
}

// -- keeping sessions -----------------------------------------------------------------------------

TEST_CASE("very many peers are asked for the calm pace, and those who keep it hear less") {
  bench b{false, 4};
  auto heard_by = [&](const std::string& peer) {
    auto beats = b.out.of<heartbeat>(peer);
    b.out.all.clear();
    return beats;
  };
  b.greet_agent("a", "w1");
  b.greet_client("b");
  b.greet_client("c");
  b.out.all.clear();
  b.pass(1250ms);
  CHECK_FALSE(heard_by("a").at(0).calm);
  b.greet_client("d");
  b.pass(1250ms);
  CHECK(heard_by("a").at(0).calm);
  for (int second = 0; second < 4; ++second) {
    b.take("a", heartbeat{.time = {}, .calm = true});
    b.take("b", heartbeat{});
    b.take("c", heartbeat{});
    b.pass(1000ms);
  }
  CHECK(b.out.of<heartbeat>("b").size() == 4);
  CHECK(heard_by("a").size() == 1);
  // "d" has said nothing: three are left, and not few enough.
  b.take("a", heartbeat{.time = {}, .calm = true});
  b.pass(4250ms);
  auto beats = heard_by("a");
  REQUIRE(beats.size() >= 1);
  CHECK_FALSE(beats.back().calm);
}

TEST_CASE("a peer hears something every second while there is nothing else to say") {
  bench b;
  b.greet_client("c");
  b.greet_agent("a", "w1");
  for (int second = 0; second < 10; ++second) {
    b.out.all.clear();
    b.take("c", heartbeat{});
    b.take("a", heartbeat{});
    b.pass(1s);
    CHECK(b.out.of<heartbeat>("c").size() <= 1);
    b.pass(250ms);
    CHECK(b.out.of<heartbeat>("c").size() >= 1);
    CHECK(b.out.of<heartbeat>("a").size() >= 1);
    CHECK(b.out.all[0].envelope->epoch == 7);
    CHECK(b.out.all[0].socket == 3);
  }
}

TEST_CASE("a peer of which nothing is heard for 4 s is forgotten") {
  bench b;
  b.greet_client("c");
  b.pass(3s);
  CHECK(b.knows("c"));
  b.pass(3500ms);
  CHECK(b.knows("c"));
  b.pass(4500ms);
  CHECK_FALSE(b.knows("c"));
}

TEST_CASE("a machine whose agent is silent for 4 s is lost, and the farm hears of it") {
  bench b;
  b.greet_agent("a", "w1");
  b.pass(3500ms);
  CHECK(b.farm.lost.empty());
  b.pass(1s);
  CHECK(b.farm.lost == std::vector<std::string>{"w1: nothing was heard of its agent for 4 s"});
}

TEST_CASE("a server that was held up itself loses nobody") {
  bench b;
  b.greet_client("c");
  b.greet_agent("a", "w1");
  b.jump(30s);
  CHECK(b.farm.lost.empty());
  CHECK(b.knows("c"));
  CHECK(b.knows("a"));
  SUBCASE("but who stays silent is lost afterwards") {
    b.pass(4500ms);
    CHECK(b.farm.lost.size() == 1);
    CHECK_FALSE(b.knows("c"));
  }
}

TEST_CASE("any message shows that a peer is there") {
  bench b;
  b.greet_client("c");
  for (int i = 0; i < 4; ++i) {
    b.pass(3s);
    b.take("c", events_after{0}, 1);
  }
  CHECK(b.published.pages.size() == 4);
}

// -- what clients say -----------------------------------------------------------------------------

TEST_CASE("an order goes to ORDERS with who gave it, and the answer comes back") {
  bench b{true};
  b.trust({bench::key("alice", key_role::operator_)});
  b.take("c", hello{}, 1, "key-alice");
  b.take("c", undeploy{"o", "ns", "g"}, 5, "key-alice");
  REQUIRE(b.given.size() == 1);
  CHECK(b.given[0].what.who.name == "alice");
  CHECK(std::get<undeploy>(*b.given[0].what.order).group == "g");
  answer(b, b.orders, b.given, shared(accepted{9, {}}));
  REQUIRE(b.out.of<accepted>("c").size() == 1);
  CHECK(b.out.of<accepted>("c")[0].seq == 9);
  CHECK(b.out.all.back().envelope->id == 5);
}

TEST_CASE("an order that is not granted is answered with why") {
  bench b;
  b.greet_client("c");
  b.take("c", undeploy{"o", "ns", "g"}, 5);
  refuse(b, b.orders, b.given, {failure_code::not_found, "there is no group ns/g", "hint"});
  auto why = b.refusal_to("c");
  CHECK(why.code == failure_code::not_found);
  CHECK(why.message == "there is no group ns/g");
  CHECK(why.hint == "hint");
}

TEST_CASE("a question goes to the DEPLOYMINATOR, one for events to the PUBLISHER") {
  bench b;
  b.greet_client("c");
  b.take("c", query{query_subject::machines}, 5);
  b.take("c", read_log{"web-1"}, 6);
  b.take("c", events_after{12}, 7);
  CHECK(b.farm.questions.size() == 2);
  answer(b, b.deployminator, b.farm.questions, shared(table{.seq = 4}));
  CHECK(b.out.of<table>("c").at(0).seq == 4);
  CHECK(b.out.all.back().envelope->id == 5);
  REQUIRE(b.published.pages.size() == 1);
  CHECK(b.published.pages[0].what == 12);
  answer(b, b.publisher, b.published.pages,
         event_page_ptr{std::make_shared<const event_page>(event_page{{}, 12})});
  CHECK(b.out.of<event_page>("c").at(0).last == 12);
  CHECK(b.out.all.back().envelope->id == 7);
}

TEST_CASE("who asks on without waiting for answers is not heard, and the next one is") {
  bench b;
  b.greet_client("flood");
  b.greet_client("c");
  for (int i = 0; i < 100; ++i)
    b.take("flood", query{query_subject::machines}, 5);
  CHECK(b.farm.questions.size() == 64);
  b.take("c", query{query_subject::machines}, 6);
  CHECK(b.farm.questions.size() == 65);
  answer(b, b.deployminator, b.farm.questions, shared(table{.seq = 4}));
  b.take("flood", query{query_subject::machines}, 7);
  CHECK(b.farm.questions.size() == 65);
}

TEST_CASE("nobody is heard while too many requests of all together are open") {
  bench b;
  for (int peer = 0; peer < 50; ++peer) {
    auto name = "flood" + std::to_string(peer);
    b.greet_client(name);
    for (int i = 0; i < 64; ++i)
      b.take(name, query{query_subject::machines}, 5);
  }
  CHECK(b.farm.questions.size() == 2'048);
}

TEST_CASE("a message counts as worked through while its answer is awaited") {
  bench b;
  b.greet_client("c");
  bus::backlog handed_up{[] {}, {.messages = 1, .bytes = 1'000}};
  received in{3, "c", std::make_shared<const envelope>(envelope{5, 0, undeploy{"o", "ns", "g"}})};
  in.ticket = handed_up.add(1);
  b.tell(b.subject, atom::deliver_v, std::exchange(in, {}));
  REQUIRE(b.given.size() == 1);
  CHECK_FALSE(handed_up.is_full());
}

TEST_CASE("what a client does not send is refused by its name") {
  bench b;
  b.greet_client("c");
  b.take("c", reported{3}, 5);
  CHECK(b.refusal_to("c").message == "a client does not send messages of type reported");
}

TEST_CASE("an agent gives no orders") {
  bench b;
  b.greet_agent("a", "w1");
  b.take("a", undeploy{"o", "ns", "g"}, 5);
  CHECK(b.given.empty());
}

// -- progress -------------------------------------------------------------------------------------

TEST_CASE("of what agents publish nothing is taken but progress") {
  bench b;
  progress news;
  news.list.push_back({0, {}, "", "", 0, download_progress{"w1"}});
  news.list.push_back({0, {}, "", "", 0, rollout_finished{}});
  b.take("", news);
  REQUIRE(b.published.collected.size() == 1);
  CHECK(type_of(b.published.collected[0]) == "download.progress");
  b.take("", undeploy{"o", "ns", "g"});
  CHECK(b.given.empty());
  CHECK(b.out.all.empty());
}

TEST_CASE("an agent that the farm refuses is told why, and may come again") {
  bench b;
  b.take("a", bench::agent_hello("w1"), 5);
  refuse(b, b.deployminator, b.farm.joins, {failure_code::refused, "not this one", ""});
  CHECK(b.refusal_to("a").message == "not this one");
  b.out.all.clear();
  b.take("a", bench::agent_hello("w1"), 6);
  CHECK(b.farm.joins.size() == 1);
}

// -- keys -----------------------------------------------------------------------------------------

TEST_CASE("who may connect is told to the I/O thread") {
  bench b{true};
  auto revoked = bench::key("mallory", key_role::operator_);
  revoked.revoked_at = {3};
  b.trust({bench::key("alice", key_role::operator_), bench::key("ci", key_role::builder, {"shop"}),
           bench::key("w1", key_role::agent), revoked});
  const auto& who = b.out.trusted;
  REQUIRE(who.size() == 4);
  CHECK(who.at("key-alice").watches);
  CHECK_FALSE(who.at("key-ci").watches);
  CHECK_FALSE(who.at("key-w1").watches);
  CHECK(who.at("key-w1").is_agent);
  CHECK(who.at("key-mallory").is_revoked);
}

TEST_CASE("a message without a key that is known is not looked at") {
  bench b{true};
  b.trust({bench::key("alice", key_role::operator_)});
  b.take("c", hello{});
  b.take("c", hello{}, 1, "key-eve");
  CHECK(b.out.all.empty());
}

TEST_CASE("what a role may not is refused, naming the key and the role it takes") {
  bench b{true};
  b.trust({bench::key("bob", key_role::viewer)});
  b.take("c", hello{}, 1, "key-bob");
  b.out.all.clear();
  b.take("c", undeploy{"o", "ns", "g"}, 5, "key-bob");
  CHECK(b.given.empty());
  CHECK(b.refusal_to("c").code == failure_code::forbidden);
  CHECK(b.refusal_to("c").message == "key bob has the role viewer; undeploy takes operator");
}

TEST_CASE("an agent is the machine of its key's name and no other") {
  bench b{true};
  b.trust({bench::key("w1", key_role::agent), bench::key("alice", key_role::operator_)});
  SUBCASE("the machine itself") {
    b.take("a", bench::agent_hello("w1"), 1, "key-w1");
    CHECK(b.farm.joins.size() == 1);
  }
  SUBCASE("another one's name") {
    b.take("a", bench::agent_hello("w2"), 1, "key-w1");
    CHECK(b.farm.joins.empty());
    CHECK(b.refusal_to("a").message == "the key is machine w1's, the agent calls itself w2");
  }
  SUBCASE("a person's key") {
    b.take("a", bench::agent_hello("alice"), 1, "key-alice");
    CHECK(b.farm.joins.empty());
    CHECK(b.refusal_to("a").code == failure_code::forbidden);
  }
  SUBCASE("as a client") {
    b.take("a", hello{}, 1, "key-w1");
    CHECK(b.refusal_to("a").code == failure_code::forbidden);
  }
}

TEST_CASE("a machine that is bound to machine groups cannot choose others") {
  bench b{true};
  auto key = bench::key("w1", key_role::agent);
  key.grant.groups = {"db"};
  b.trust({key});
  auto h = bench::agent_hello("w1");
  h.agent->groups = {"worker", "secret"};
  b.take("a", h, 1, "key-w1");
  REQUIRE(b.farm.joins.size() == 1);
  CHECK(b.farm.joins[0].what.hello->agent->groups == std::vector<std::string>{"db"});
}

TEST_CASE("what a client says as a strategy is passed on once it offers one, and so is its loss") {
  using words = std::vector<std::string>;
  bench b;
  b.take("c", offer_strategy{"mine"});
  CHECK(b.out.of<unknown_peer>("c").size() == 1);
  b.greet_client("c");
  b.greet_client("d");
  b.take("d", placed{}, 4);
  b.take("d", refusal{}, 4);
  CHECK(b.strategies.empty());
  b.take("c", offer_strategy{"mine"}, 2);
  b.take("c", placed{}, 4);
  b.take("c", refusal{}, 5);
  b.take("c", heartbeat{});
  CHECK(b.strategies == words{"c offer_strategy", "c placed", "c refusal"});
  b.strategies.clear();
  SUBCASE("where it falls silent") {
    b.pass(4500ms);
    CHECK(b.strategies == words{"c is lost: nothing was heard of it for 4 s"});
  }
  SUBCASE("where it begins anew, before it offers again") {
    b.take("c", hello{.role = peer_role::client}, 1);
    CHECK(b.strategies == words{"c is lost: its process has begun anew"});
    b.take("c", placed{}, 4);
    CHECK(b.strategies.size() == 1);
  }
}

TEST_CASE("a strategy takes an operator's key, for as long as that is good") {
  bench b{true};
  b.trust({bench::key("ann", key_role::operator_), bench::key("ci", key_role::builder)});
  b.take("c", hello{.role = peer_role::client}, 1, "key-ci");
  b.take("c", offer_strategy{"mine"}, 2, "key-ci");
  CHECK(b.refusal_to("c").code == failure_code::forbidden);
  b.take("a", hello{.role = peer_role::client}, 1, "key-ann");
  b.take("a", offer_strategy{"mine"}, 2, "key-ann");
  CHECK(b.strategies == std::vector<std::string>{"a offer_strategy"});
  b.trust({bench::key("ci", key_role::builder)});
  CHECK(b.strategies.back() == "a is lost: its key was revoked");
}

TEST_CASE("whose key is revoked is connected no more") {
  bench b{true};
  auto alice = bench::key("alice", key_role::operator_);
  auto w1 = bench::key("w1", key_role::agent);
  b.trust({alice, w1});
  b.take("c", hello{}, 1, "key-alice");
  b.take("a", bench::agent_hello("w1"), 1, "key-w1");
  answer(b, b.deployminator, b.farm.joins, briefing_ptr{std::make_shared<const briefing>()});
  alice.revoked_at = w1.revoked_at = {9};
  b.trust({alice, w1});
  CHECK(b.farm.lost == std::vector<std::string>{"w1: its key was revoked"});
  b.out.all.clear();
  b.take("c", query{}, 2, "key-alice");
  CHECK(b.farm.questions.empty());
  CHECK(b.out.all.empty());
}

TEST_CASE("who is limited to namespaces is told no place to listen, and sees his events alone") {
  bench b{true};
  b.trust({bench::key("ci", key_role::builder, {"shop"})});
  b.take("c", hello{}, 1, "key-ci");
  REQUIRE(b.out.of<welcome>("c").size() == 1);
  CHECK(b.out.of<welcome>("c")[0].publish.empty());
  b.take("c", events_after{3}, 2, "key-ci");
  event_page all;
  all.last = 9;
  for (std::uint64_t seq = 4; seq <= 6; ++seq)
    all.events.push_back({seq, {1}, seq == 5 ? "bank" : "shop", "web", 1, rollout_step{}});
  answer(b, b.publisher, b.published.pages, event_page_ptr{std::make_shared<event_page>(all)});
  auto pages = b.out.of<event_page>("c");
  REQUIRE(pages.size() == 1);
  REQUIRE(pages[0].events.size() == 2);
  CHECK(pages[0].events[1].seq == 6);
  CHECK(pages[0].complete_to == 6);
  CHECK(pages[0].last == 9);
}

TEST_CASE("an agent tells of its own downloads alone") {
  bench b{true};
  b.trust({bench::key("w1", key_role::agent)});
  progress news;
  for (const auto* machine : {"w1", "w2"}) {
    event e;
    e.what = download_progress{machine, "http://x/a.tar"};
    news.list.push_back(e);
  }
  b.take("", news, 0, "key-w1");
  REQUIRE(b.published.collected.size() == 1);
  CHECK(std::get<download_progress>(b.published.collected[0].what).machine == "w1");
}

TEST_CASE("the list of keys tells when each was seen last") {
  bench b{true};
  b.trust({bench::key("alice", key_role::operator_), bench::key("bob", key_role::viewer)});
  b.take("c", hello{}, 1, "key-alice");
  b.take("c", query{query_subject::keys}, 2, "key-alice");
  table rows;
  rows.keys = {{"alice"}, {"bob"}};
  answer(b, b.deployminator, b.farm.questions, shared(rows));
  auto told = b.out.of<table>("c");
  REQUIRE(told.size() == 1);
  CHECK(told[0].keys[0].last_seen == timestamp{5});
  CHECK_FALSE(told[0].keys[1].last_seen);
}

TEST_CASE("a machine was seen when something was heard of it, also once it is lost") {
  timestamp now{5'000'000};
  bench b{false, 2000, &now};
  b.greet_agent("w", "w1");
  now = {3600'000'000};
  b.take("w", heartbeat{});
  now = {3700'000'000};
  b.greet_client("c");
  b.take("c", query{query_subject::machines}, 2);
  table rows;
  rows.machines = {{.name = "w1", .last_seen = {5'000'000}}, {.name = "w2", .last_seen = {1}}};
  answer(b, b.deployminator, b.farm.questions, shared(rows));
  auto told = b.out.of<table>("c");
  REQUIRE(told.size() == 1);
  CHECK(told[0].machines[0].last_seen == timestamp{3600'000'000});
  CHECK(told[0].machines[1].last_seen == timestamp{1});
  b.pass(10s);
  REQUIRE(b.farm.heard.size() == 1);
  CHECK(b.farm.heard[0] == timestamp{3600'000'000});
}

// -- the rotation of the server's key -------------------------------------------------------------

TEST_CASE("everybody who is connected hears of the server's next key, and who comes later") {
  bench b{true};
  b.trust({bench::key("alice", key_role::operator_), bench::key("ci", key_role::builder, {"shop"}),
           bench::key("w1", key_role::agent), bench::key("w2", key_role::agent)});
  b.take("a", hello{}, 1, "key-alice");
  b.take("c", hello{}, 1, "key-ci");
  b.take("w", bench::agent_hello("w1"), 1, "key-w1");
  answer(b, b.deployminator, b.farm.joins, briefing_ptr{std::make_shared<const briefing>()});
  b.out.all.clear();
  next_server_key coming{"next", {7}};
  b.tell(b.subject, atom::rotate_v, std::make_shared<const next_server_key>(coming));
  for (const auto* peer : {"a", "c", "w"}) {
    REQUIRE(b.out.of<welcome>(peer).size() == 1);
    CHECK(b.out.of<welcome>(peer)[0].next_server_key == coming);
  }
  CHECK(b.out.of<welcome>("c")[0].publish.empty());
  b.take("later", hello{}, 1, "key-alice");
  CHECK(b.out.of<welcome>("later").at(0).next_server_key == coming);
  b.take("v", bench::agent_hello("w2"), 1, "key-w2");
  answer(b, b.deployminator, b.farm.joins, briefing_ptr{std::make_shared<const briefing>()});
  CHECK(b.out.of<welcome>("v").at(0).next_server_key == coming);
}

TEST_CASE("the list of keys tells who knows the server's next key, while there is one") {
  bench b{true};
  auto revoked = bench::key("mallory", key_role::viewer);
  revoked.revoked_at = {3};
  b.trust({bench::key("alice", key_role::operator_), bench::key("bob", key_role::viewer), revoked});
  b.take("a", hello{.next_server_key = "next"}, 1, "key-alice");
  auto list = [&] {
    b.out.all.clear();
    b.take("a", query{query_subject::keys}, 2, "key-alice");
    table rows;
    rows.keys = {{"alice"}, {"bob"}, {"mallory"}};
    rows.keys[2].revoked_at = timestamp{3};
    answer(b, b.deployminator, b.farm.questions, shared(rows));
    return b.out.of<table>("a").at(0).keys;
  };
  CHECK_FALSE(list()[0].knows_next_server_key);
  b.tell(b.subject, atom::rotate_v,
         std::make_shared<const next_server_key>(next_server_key{"next", {7}}));
  auto rows = list();
  CHECK(rows[0].knows_next_server_key == true);
  CHECK(rows[1].knows_next_server_key == false);
  CHECK_FALSE(rows[2].knows_next_server_key);
  b.tell(b.subject, atom::rotate_v, next_server_key_ptr{});
  CHECK_FALSE(list()[0].knows_next_server_key);
}
