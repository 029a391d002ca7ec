#include "actors/common/gateway.hpp"
#include "actors/publisher.hpp"
#include "messages/codec.hpp"
#include "test/support/deterministic_system.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <utility>
#include <vector>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

class deaf_bus : public bus::bus {
public:
  messages::result<::deployminator::bus::socket_id> open(::deployminator::bus::socket_kind,
                                                         const std::string&) override {
    return ::deployminator::bus::socket_id{1};
  }
  void close(::deployminator::bus::socket_id) override {}
  void send(::deployminator::bus::socket_id, std::string, std::string bytes) override {
    sent.push_back(std::move(bytes));
  }
  void trust(::deployminator::bus::trusted_keys) override {}

  std::vector<std::string> sent;
};

messages::event numbered(std::uint64_t seq) {
  return {seq, {1}, "", "", 0, messages::rollout_step{"placed", ""}};
}

events_ptr from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<messages::event> out;
  for (auto seq = first; seq <= last; ++seq)
    out.push_back(numbered(seq));
  return std::make_shared<const std::vector<messages::event>>(std::move(out));
}

/// The store's side: has the events up to 9.
registrar_actor::behavior_type all_knowing_registrar(registrar_actor::pointer, int* commits) {
  return {
    [](atom::attach, const publisher_actor&) {},
    [](atom::load) -> caf::result<farm_ptr> { return std::make_shared<messages::farm>(); },
    [commits](atom::commit, const change_ptr&) -> caf::result<std::uint64_t> {
      ++*commits;
      return std::uint64_t{9};
    },
    [](atom::tell, const events_ptr&) {},
    [](atom::lead) -> caf::result<bool> { return true; },
    [](atom::servers) -> caf::result<server_rows_ptr> { return server_rows_ptr{}; },
    [](atom::events, std::uint64_t seq) -> caf::result<event_page_ptr> {
      return std::make_shared<const messages::event_page>(
        messages::event_page{*from_to(seq + 1, 9), 9});
    },
  };
}

/// A PUBLISHER under CAF's deterministic scheduler, of a store with 3 events.
struct bench : test::deterministic_system {
  bench() {
    out = system.spawn(gateway, &sockets);
    registrar = system.spawn(all_knowing_registrar, &commits);
    subject = system.spawn(actors::publisher, publisher_config{out, registrar, 1, 1, 3});
    scheduler.run();
  }

  ~bench() {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    caf::anon_send_exit(registrar, caf::exit_reason::kill);
    caf::anon_send_exit(out, caf::exit_reason::kill);
    scheduler.run();
  }

  void publish(std::uint64_t first, std::uint64_t last) {
    caf::anon_send(subject, atom::publish_v, from_to(first, last));
    scheduler.run();
  }

  std::vector<std::uint64_t> numbers_after(std::uint64_t seq) {
    std::vector<std::uint64_t> out_numbers;
    system.spawn([this, seq, &out_numbers](caf::event_based_actor* self) {
      self->request(subject, caf::infinite, atom::events_v, seq)
        .then([&out_numbers](const event_page_ptr& page) {
          for (const auto& each : page->events)
            out_numbers.push_back(each.seq);
        });
    });
    scheduler.run();
    return out_numbers;
  }

  deaf_bus sockets;
  int commits = 0;
  gateway_actor out;
  registrar_actor registrar;
  publisher_actor subject;
};

using numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("late watchers get the newest events from memory") {
  bench b;
  b.publish(4, 6);
  CHECK(b.numbers_after(4) == numbers{5, 6});
  CHECK(b.numbers_after(6).empty());
}

TEST_CASE("events that were stored and not heard of are left to the store") {
  bench b;
  b.publish(4, 5);
  b.publish(8, 9);
  CHECK(b.numbers_after(5) == numbers{6, 7, 8, 9});
  CHECK(b.numbers_after(7) == numbers{8, 9});
}

TEST_CASE("what a commit that seemed to fail has stored is published all the same") {
  bench b;
  b.publish(4, 6);
  b.sockets.sent.clear();
  caf::anon_send(b.subject, atom::unsure_v);
  caf::anon_send(b.subject, atom::tick_v);
  b.scheduler.run();
  numbers published;
  for (const auto& each : b.sockets.sent)
    if (auto list = messages::decode(each); list)
      if (const auto* batch = std::get_if<messages::events>(&list->body))
        for (const auto& e : batch->list)
          published.push_back(e.seq);
  CHECK(published == numbers{7, 8, 9});
  CHECK(b.numbers_after(5) == numbers{6, 7, 8, 9});
}

TEST_CASE("of progress a handful gets a number, all else is told as it comes") {
  bench b;
  auto told = [&](std::uint64_t bytes) {
    messages::event e{0,     {1}, "shop",
                      "web", 3,   messages::download_progress{"w1", "a", {}, bytes, 100}};
    caf::anon_send(b.subject, atom::collect_v,
                   std::make_shared<const std::vector<messages::event>>(1, std::move(e)));
    b.scheduler.run();
    return std::exchange(b.sockets.sent, {});
  };
  // The store numbers it, so it comes from there.
  CHECK(told(1).empty());
  CHECK(b.commits == 1);
  auto passing = told(2);
  REQUIRE(passing.size() == 1);
  auto list = messages::decode(passing[0]);
  REQUIRE(list);
  const auto* events = std::get_if<messages::events>(&list->body);
  REQUIRE(events);
  REQUIRE(events->list.size() == 1);
  CHECK(events->list[0].seq == 0);
  CHECK(b.commits == 1);
}
