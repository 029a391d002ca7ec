#include "actors/deployminator.hpp"
#include "test/support/deterministic_system.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <utility>

using namespace deployminator;
using namespace deployminator::actors;

namespace {

/// A store of which the test says when, and whether, it has committed.
struct slow_store {
  messages::farm farm;
  /// How many events each commit under way has.
  std::deque<std::size_t> pending;
  bool is_broken = false;
};

struct slow_registrar_state {
  slow_store* store = nullptr;
  std::deque<caf::response_promise> answers;
};

/// `attach` ends the oldest commit.
registrar_actor::behavior_type
slow_registrar(registrar_actor::stateful_pointer<slow_registrar_state> self, slow_store* store) {
  self->state.store = store;
  return {
    [self](atom::attach, const publisher_actor&) {
      auto& state = self->state;
      auto answer = std::move(state.answers.front());
      state.answers.pop_front();
      auto events = std::exchange(state.store->pending.front(), 0);
      state.store->pending.pop_front();
      if (state.store->is_broken)
        return answer.deliver(caf::make_error(caf::sec::runtime_error));
      answer.deliver(state.store->farm.last_event += events);
    },
    [self](atom::load) -> caf::result<farm_ptr> {
      return std::make_shared<const messages::farm>(self->state.store->farm);
    },
    [self](atom::commit, const change_ptr& what) -> caf::result<std::uint64_t> {
      self->state.store->pending.push_back(what->events.size());
      return self->state.answers.emplace_back(self->make_response_promise());
    },
    [](atom::reign) -> caf::result<bool> { return true; },
    [](atom::ask, std::uint64_t) -> caf::result<event_page_ptr> {
      return std::make_shared<const messages::event_page>();
    },
  };
}

/// A DEPLOYMINATOR of two machines under CAF's deterministic scheduler; the test is its store.
struct bench : test::deterministic_system {
  bench() {
    store.farm.machines["w1"].name = "w1";
    store.farm.machines["w2"].name = "w2";
    registrar = system.spawn(slow_registrar, &store);
    deployminator_config with{registrar,
                              {},
                              std::make_shared<const messages::farm>(store.farm),
                              [] { return messages::timestamp{1}; },
                              [] { return std::uint64_t{1}; }};
    subject = system.spawn(actors::deployminator, std::move(with));
    scheduler.run();
  }

  ~bench() {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    caf::anon_send_exit(registrar, caf::exit_reason::kill);
    scheduler.run();
  }

  void lose(const std::string& machine) {
    caf::anon_send(subject, atom::lost_v, machine, std::string{"silence"});
    scheduler.run();
  }

  void ask_for_machines() {
    messages::query question;
    question.subject = messages::query_subject::machines;
    auto envelope = std::make_shared<const messages::envelope>(messages::envelope{1, 1, question});
    system.spawn([this, envelope](caf::event_based_actor* self) {
      self->request(subject, caf::infinite, atom::ask_v, envelope_ptr{envelope})
        .then([this](const message_ptr& m) { answer = std::get<messages::table>(*m); });
    });
    scheduler.run();
  }

  void end_commit() {
    caf::anon_send(registrar, atom::attach_v, publisher_actor{});
    scheduler.run();
  }

  slow_store store;
  std::optional<messages::table> answer;
  registrar_actor registrar;
  deployminator_actor subject;
};

} // namespace

TEST_CASE("nobody is told what is not stored yet") {
  bench b;
  b.lose("w1");
  b.lose("w2");
  b.ask_for_machines();
  b.end_commit();
  REQUIRE(b.store.pending.size() == 1);
  CHECK_FALSE(b.answer);
  SUBCASE("but when it is") {
    b.end_commit();
    REQUIRE(b.answer);
    CHECK(b.answer->seq == 2);
    CHECK(b.answer->machines.at(1).state == messages::machine_state::unreachable);
  }
  SUBCASE("nor what could not be stored") {
    b.store.is_broken = true;
    b.end_commit();
    REQUIRE(b.answer);
    CHECK(b.answer->seq == 1);
  }
}
