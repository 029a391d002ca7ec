#include "actors/registrar.hpp"
#include "test/actors/support/fakes.hpp"

#include <doctest/doctest.h>

#include <deque>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// A store that fails as the test says.
class scripted_store : public store::store {
public:
  /// What the next commits yield; then all go well.
  std::deque<failure> failures;
  /// The numbers under which changes were committed.
  std::vector<std::uint64_t> numbers;
  std::uint64_t last = 10;
  bool leads = true;
  std::vector<event> kept;

  result<std::uint64_t> begin_epoch() override {
    return std::uint64_t{1};
  }
  result<void> give_up_lead() override {
    return {};
  }
  result<std::vector<server_row>> servers() override {
    return std::vector<server_row>{{.name = "alpha"}};
  }
  result<std::map<std::uint64_t, access_key>> keys() override {
    return std::map<std::uint64_t, access_key>{};
  }
  result<void> renew_lead() override {
    if (!leads)
      return failure{failure_code::refused, "another server has taken over", ""};
    return {};
  }
  result<farm> load() override {
    farm f;
    f.last_event = last;
    return f;
  }
  result<std::uint64_t> commit(std::uint64_t number, const change& c) override {
    numbers.push_back(number);
    if (!failures.empty()) {
      auto why = failures.front();
      failures.pop_front();
      return why;
    }
    return last += c.events.size();
  }
  result<std::vector<event>> events_after(std::uint64_t seq, std::size_t limit) override {
    std::vector<event> out;
    for (const auto& each : kept)
      if (each.seq > seq && out.size() < limit)
        out.push_back(each);
    return out;
  }
};

const failure disk_full{failure_code::internal, "disk full", "make room"};
const failure taken_over{failure_code::refused, "another server has taken over", ""};

change_ptr with_events(std::size_t count) {
  change c;
  c.events.resize(count);
  return std::make_shared<const change>(std::move(c));
}

/// A REGISTRAR of a store with 10 events.
struct bench : test::actors_bench {
  bench() {
    publisher = spawn(test::fake_publisher, &published);
    subject = spawn(actors::registrar, static_cast<store::store*>(&database), std::uint64_t{10});
    tell(subject, atom::attach_v, publisher_actor{publisher});
  }

  test::outcome_ptr<std::uint64_t> commit(std::size_t events) {
    return ask<std::uint64_t>(subject, atom::commit_v, with_events(events));
  }

  scripted_store database;
  test::publisher_calls published;
  test::fake_publisher_actor publisher;
  registrar_actor subject;
};

using numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("changes are numbered, and answered with the number of their last event") {
  bench b;
  CHECK(*b.commit(2)->value == 12);
  CHECK(*b.commit(0)->value == 12);
  CHECK(b.database.numbers == numbers{1, 2});
}

TEST_CASE("what is stored is published under its numbers") {
  bench b;
  b.commit(2);
  b.commit(0);
  b.commit(1);
  numbers published;
  for (const auto& each : b.published.published)
    published.push_back(each.seq);
  CHECK(published == numbers{11, 12, 13});
}

TEST_CASE("a commit whose outcome is unknown is tried again under its number") {
  bench b;
  b.database.failures = {disk_full, disk_full};
  CHECK(*b.commit(1)->value == 11);
  CHECK(b.database.numbers == numbers{1, 1, 1});
  CHECK(b.published.published.size() == 1);
  b.commit(1);
  CHECK(b.database.numbers.back() == 2);
}

TEST_CASE("a commit that fails again and again is given up, and nothing of it is published") {
  bench b;
  const failure away{failure_code::unreachable, "cannot be reached", ""};
  b.database.failures = {disk_full, away, away};
  auto failed = b.commit(1);
  REQUIRE(failed->error);
  CHECK(failed->error->code == failure_code::internal);
  CHECK(failed->error->message == "disk full");
  CHECK(b.database.numbers == numbers{1, 1, 1});
  CHECK(b.published.published.empty());
  CHECK(b.published.unsure == 1);
  CHECK(*b.commit(1)->value == 11);
  CHECK(b.database.numbers.back() == 2);
}

TEST_CASE("a commit that is refused is not tried again") {
  bench b;
  b.database.failures = {disk_full, taken_over};
  auto refused = b.commit(1);
  REQUIRE(refused->error);
  CHECK(refused->error->code == failure_code::refused);
  CHECK(b.database.numbers == numbers{1, 1});
}

TEST_CASE("who leads is the store's to say") {
  bench b;
  CHECK(b.ask<bool>(b.subject, atom::lead_v)->value == true);
  b.database.leads = false;
  auto refused = b.ask<bool>(b.subject, atom::lead_v);
  REQUIRE(refused->error);
  CHECK(refused->error->code == failure_code::refused);
}

TEST_CASE("a page of events fits into a message, and says how many there are") {
  bench b;
  for (std::uint64_t seq = 1; seq <= 10; ++seq)
    b.database.kept.push_back(
      {seq, {1}, "", "", 0, rollout_step{"placed", std::string(300'000, 'x')}});
  auto page = b.ask<event_page_ptr>(b.subject, atom::events_v, std::uint64_t{4});
  REQUIRE(page->value);
  const auto& found = **page->value;
  REQUIRE(found.events.size() == 3);
  CHECK(found.events[0].seq == 5);
  CHECK(found.last == 10);
}

TEST_CASE("a page tells of events whose commit seemed to fail, in its last number too") {
  bench b;
  b.database.failures = {disk_full, disk_full, disk_full};
  b.commit(1);
  b.database.kept.push_back({11, {1}, "", "", 0, rollout_step{"placed", "stored all the same"}});
  auto page = b.ask<event_page_ptr>(b.subject, atom::events_v, std::uint64_t{10});
  REQUIRE((*page->value)->events.size() == 1);
  CHECK((*page->value)->last == 11);
  CHECK((*b.ask<event_page_ptr>(b.subject, atom::events_v, std::uint64_t{11})->value)->last == 11);
}

TEST_CASE("the farm that is loaded says which event is the last") {
  bench b;
  b.database.last = 30;
  auto loaded = b.ask<farm_ptr>(b.subject, atom::load_v);
  REQUIRE(loaded->value);
  CHECK((*loaded->value)->last_event == 30);
  CHECK((*b.ask<event_page_ptr>(b.subject, atom::events_v, std::uint64_t{30})->value)->last == 30);
}
