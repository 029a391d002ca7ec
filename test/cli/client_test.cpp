#include "cli/client.hpp"
#include "messages/codec.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace deployminator;
using namespace deployminator::cli;
using namespace std::chrono_literals;
using messages::message;

namespace {

/// The server's side of the wire on real sockets: hellos are answered as the protocol says, every
/// other message as the test says.
class server {
public:
  /// What to answer; nothing: no answer.
  using script = std::function<std::optional<message>(const message&)>;

  explicit server(script s) : script_(std::move(s)) {
    bus_.deliver_to([this](bus::inbound in) { arrived(in); });
    orders_ = *bus_.open(bus::socket_kind::orders_server, orders_address());
    events_ = *bus_.open(bus::socket_kind::events_server, events_address());
  }

  ~server() {
    bus_.stop();
    for (const auto& address : {orders_address(), events_address()})
      std::filesystem::remove(address.substr(std::string_view{"ipc://"}.size()));
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  static configs::server_access access() {
    return {{orders_address()}, {}};
  }

  static std::string orders_address() {
    return fmt::format("ipc:///tmp/cli-client-test-{}-orders", getpid());
  }
  static std::string events_address() {
    return fmt::format("ipc:///tmp/cli-client-test-{}-events", getpid());
  }

  void publish(std::vector<messages::event> list) {
    bus_.send(events_, {}, messages::encode({0, epoch, messages::events{std::move(list)}}));
  }

  static constexpr std::uint64_t epoch = 3;

private:
  void arrived(const bus::inbound& in) {
    auto e = messages::decode(in.bytes);
    if (!e)
      return;
    std::lock_guard lock{mutex_};
    if (std::holds_alternative<messages::hello>(e->body)) {
      known_.insert(in.peer);
      return answer(in, *e, messages::welcome{.publish = events_address()});
    }
    if (!known_.contains(in.peer))
      return answer(in, *e, messages::unknown_peer{});
    if (auto reply = script_(e->body))
      answer(in, *e, *reply);
  }

  void answer(const bus::inbound& to, const messages::envelope& question, message body) {
    bus_.send(to.socket, to.peer, messages::encode({question.id, epoch, std::move(body)}));
  }

  script script_;
  std::mutex mutex_;
  std::set<std::string> known_;
  bus::socket_id orders_ = 0;
  bus::socket_id events_ = 0;
  bus::io_thread bus_;
};

messages::event event_of(std::uint64_t seq) {
  return {seq, {1}, "shop", "web", 1, messages::rollout_step{"placed", std::to_string(seq)}};
}

const messages::undeploy order{"0123", "shop", "web"};

/// The numbers of the events that come until `last`, or until the deadline.
std::vector<std::uint64_t> numbers_until(client& c, std::uint64_t last) {
  std::vector<std::uint64_t> out;
  auto deadline = client::clock::now() + 10s;
  while ((out.empty() || out.back() < last) && client::clock::now() < deadline)
    if (auto e = c.next_event(deadline))
      out.push_back(e->seq);
  return out;
}

/// All events above `seq`, of `last`.
messages::event_page page_of(std::uint64_t seq, std::uint64_t last) {
  messages::event_page page{{}, last};
  while (seq < last)
    page.events.push_back(event_of(++seq));
  return page;
}

} // namespace

TEST_CASE("an answer comes back to its request") {
  server s{[](const message& m) -> std::optional<message> {
    if (std::holds_alternative<messages::undeploy>(m))
      return messages::accepted{7, {{"shop", "web", 0}}};
    return std::nullopt;
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  CHECK(c.ask<messages::accepted>(order, 5s).seq == 7);
}

TEST_CASE("a refusal becomes a setback that ends the program with 1") {
  server s{[](const message&) -> std::optional<message> {
    return messages::refusal{{messages::failure_code::not_found, "no such group", "look"}};
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  try {
    c.ask<messages::accepted>(order, 5s);
    FAIL("it was granted");
  } catch (const setback& e) {
    CHECK(e.exit == exit_code::failed);
    CHECK(e.why.message == "no such group");
  }
}

TEST_CASE("an order whose answer was lost with the server is sent again as the same order") {
  std::vector<std::string> ids;
  auto remember = [&](const message& m) {
    auto* u = std::get_if<messages::undeploy>(&m);
    if (u != nullptr)
      ids.push_back(u->order_id);
    return u != nullptr;
  };
  interruption stop;
  std::optional<server> dying{std::in_place, [&](const message& m) -> std::optional<message> {
                                remember(m);
                                return std::nullopt;
                              }};
  client c{server::access(), stop};
  c.connect();
  CHECK_THROWS_AS(c.ask<messages::accepted>(order, 500ms), setback);
  dying.reset();
  REQUIRE(ids.size() == 1);
  std::optional<server> restarted{std::in_place, [&](const message& m) -> std::optional<message> {
                                    if (remember(m))
                                      return messages::accepted{7, {}};
                                    return std::nullopt;
                                  }};
  CHECK(c.ask<messages::accepted>(order, 15s).seq == 7);
  restarted.reset();
  REQUIRE(ids.size() >= 2);
  CHECK(ids.front() == ids.back());
}

TEST_CASE("a request is sent again in the same session when no answer comes") {
  std::atomic<int> seen = 0;
  server s{[&](const message& m) -> std::optional<message> {
    if (std::holds_alternative<messages::undeploy>(m) && ++seen == 2)
      return messages::accepted{7, {}};
    return std::nullopt;
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  // Shorter than the silence after which there would be a new session.
  CHECK(c.ask<messages::accepted>(order, 3900ms).seq == 7);
  CHECK(seen == 2);
}

TEST_CASE("events come once and in order, and what was not heard is asked for") {
  server s{[](const message& m) -> std::optional<message> {
    auto* after = std::get_if<messages::events_after>(&m);
    if (after == nullptr)
      return std::nullopt;
    return page_of(after->seq, 5);
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  c.follow(2);
  s.publish({event_of(4), event_of(5)});
  CHECK(numbers_until(c, 5) == std::vector<std::uint64_t>{3, 4, 5});
  s.publish({event_of(5), event_of(6)});
  CHECK(numbers_until(c, 6) == std::vector<std::uint64_t>{6});
  CHECK(c.seq() == 6);
}

TEST_CASE("a server whose events are others than those followed is noticed") {
  server s{[](const message& m) -> std::optional<message> {
    if (std::holds_alternative<messages::events_after>(m))
      return messages::event_page{{}, 5};
    return std::nullopt;
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  c.follow(100);
  auto deadline = client::clock::now() + 10s;
  while (!c.is_history_broken() && client::clock::now() < deadline)
    c.next_event(client::clock::now() + 100ms);
  CHECK(c.is_history_broken());
}

TEST_CASE("a server that needs a moment to know its newest events has no other history") {
  std::atomic<int> asked = 0;
  auto ready_at = client::clock::now() + 400ms;
  server s{[&](const message& m) -> std::optional<message> {
    if (!std::holds_alternative<messages::events_after>(m))
      return std::nullopt;
    ++asked;
    if (client::clock::now() < ready_at)
      return messages::event_page{{}, 5};
    return messages::event_page{{event_of(8)}, 8};
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  c.follow(7);
  CHECK(numbers_until(c, 8) == std::vector<std::uint64_t>{8});
  CHECK_FALSE(c.is_history_broken());
  CHECK(asked < 10);
}

TEST_CASE("answers that do not fit now and then do not add up") {
  std::atomic<std::uint64_t> last = 10;
  std::atomic<bool> lags = true;
  server s{[&](const message& m) -> std::optional<message> {
    auto* after = std::get_if<messages::events_after>(&m);
    if (after == nullptr)
      return std::nullopt;
    if (lags.exchange(false))
      return messages::event_page{{}, 5};
    return page_of(after->seq, last);
  }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  c.follow(9);
  CHECK(numbers_until(c, 10) == std::vector<std::uint64_t>{10});
  for (std::uint64_t next = 12; next < 26; next += 2) {
    lags = true;
    last = next;
    s.publish({event_of(next)});
    REQUIRE(numbers_until(c, next) == std::vector<std::uint64_t>{next - 1, next});
    CHECK_FALSE(c.is_history_broken());
  }
}

TEST_CASE("Ctrl-C ends a wait at once, and is no success") {
  server s{[](const message&) -> std::optional<message> { return std::nullopt; }};
  interruption stop;
  client c{server::access(), stop};
  c.connect();
  std::raise(SIGINT);
  try {
    c.ask<messages::accepted>(order, 10s);
    FAIL("it was answered");
  } catch (const setback& e) {
    CHECK(e.exit == exit_code::gave_up);
  }
}
