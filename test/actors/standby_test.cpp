#include "actors/standby.hpp"
#include "messages/codec.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

using namespace deployminator;
using namespace deployminator::actors;
using namespace deployminator::messages;

namespace {

/// What a server that stands by has to do with its bus.
class recording_bus : public bus::bus {
public:
  std::vector<envelope> sent;
  std::vector<deployminator::bus::trusted_keys> trusted;

  result<deployminator::bus::socket_id> open(deployminator::bus::socket_kind,
                                             const std::string&) override {
    return deployminator::bus::socket_id{1};
  }
  void close(deployminator::bus::socket_id) override {}
  void send(deployminator::bus::socket_id, std::string, std::string bytes) override {
    auto decoded = decode(bytes);
    REQUIRE(decoded);
    sent.push_back(*decoded);
  }
  void trust(deployminator::bus::trusted_keys who) override {
    trusted.push_back(std::move(who));
  }
};

/// Two servers on one database, of which the first leads.
struct bench {
  bench() : first(opened("first")), second(opened("second")) {
    epoch = *first->begin_epoch();
    config.database = second.get();
    config.sockets = &sockets;
    config.listen = "tcp://second:4001";
    config.utc_now = [] { return timestamp{1}; };
  }

  std::unique_ptr<store::store> opened(const std::string& name) const {
    auto s = store::open_store("sqlite:" + file, {}, {},
                               {"id of " + name, name, "tcp://" + name + ":4001", "1"});
    if (!s)
      throw std::runtime_error(s.error().message);
    return std::move(*s);
  }

  /// What is answered to a client that says this.
  envelope answer_to(standby& subject, message said) {
    sockets.sent.clear();
    subject.answer({.socket = 1, .peer = "client", .bytes = encode({7, 0, std::move(said)})});
    REQUIRE(sockets.sent.size() == 1);
    CHECK(sockets.sent[0].id == 7);
    return sockets.sent[0];
  }

  std::string directory = make_directory();
  std::string file = directory + "/farm.sqlite";
  std::unique_ptr<store::store> first;
  std::unique_ptr<store::store> second;
  std::uint64_t epoch = 0;
  recording_bus sockets;
  server_config config;

  ~bench() {
    std::filesystem::remove_all(directory);
  }

private:
  static std::string make_directory() {
    std::string name = "/tmp/standby-test-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
  }
};

} // namespace

TEST_CASE("a server stands by while another one leads, and leads when that one ends") {
  bench b;
  standby subject{b.config, 1};
  auto tried = subject.try_to_lead();
  REQUIRE(tried);
  CHECK_FALSE(*tried);
  REQUIRE(b.first->give_up_lead());
  tried = subject.try_to_lead();
  REQUIRE(tried);
  CHECK(*tried == b.epoch + 1);
}

TEST_CASE("who calls a server that stands by hears that, and who leads") {
  bench b;
  standby subject{b.config, 1};
  REQUIRE(subject.try_to_lead());
  auto answer = b.answer_to(subject, hello{});
  const auto* no = std::get_if<refusal>(&answer.body);
  REQUIRE(no);
  CHECK(no->standby);
  CHECK(no->error.message
        == "the server at tcp://second:4001 stands by: the server on first at tcp://first:4001 "
           "leads (epoch "
             + std::to_string(b.epoch) + ")");
  CHECK(std::holds_alternative<unknown_peer>(b.answer_to(subject, query{}).body));
  CHECK(std::holds_alternative<unknown_peer>(b.answer_to(subject, heartbeat{}).body));
  b.sockets.sent.clear();
  subject.answer({.socket = 1, .peer = "client", .bytes = "garbage"});
  subject.answer({.socket = 2, .peer = "client", .bytes = encode({7, 0, hello{}})});
  CHECK(b.sockets.sent.empty());
}

TEST_CASE("a server that stands by lets in whom the store knows") {
  bench b;
  change c;
  c.keys.push_back({1, {"ci", key_role::builder, std::string(40, 'k'), {}, {}}, {1}, "me", {}});
  REQUIRE(b.first->commit(1, c));
  b.config.asks_for_keys = true;
  standby subject{b.config, 1};
  REQUIRE(subject.try_to_lead());
  REQUIRE(b.sockets.trusted.size() == 1);
  CHECK(b.sockets.trusted[0].contains(std::string(40, 'k')));
}

TEST_CASE("the same address is the same server, and another one is another") {
  auto one = identify("tcp://127.0.0.1:4001");
  CHECK_FALSE(one.id.empty());
  CHECK(one.id == identify("tcp://127.0.0.1:4001").id);
  CHECK(one.id != identify("tcp://127.0.0.1:4002").id);
  CHECK(identify("ipc:///tmp/x").id != identify("ipc:///tmp/x").id);
  CHECK(one.listen == "tcp://127.0.0.1:4001");
  CHECK_FALSE(one.name.empty());
}
