#include "messages/bus/io_thread.hpp"
#include "messages/bus/sockets.hpp"
#include "messages/wire.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <poll.h>
#include <set>
#include <string_view>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace deployminator::bus;
using deployminator::messages::failure_code;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds deadline{20};

/// A TCP socket on loopback, closed at the end.
class raw_tcp {
public:
  raw_tcp() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
  }
  ~raw_tcp() {
    ::close(fd_);
  }
  raw_tcp(const raw_tcp&) = delete;
  raw_tcp& operator=(const raw_tcp&) = delete;

  std::uint16_t bind_any() {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
  }

  void connect_to(std::uint16_t port) {
    auto address = loopback(port);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  /// False where the other side has hung up.
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd each{fd_, POLLOUT | POLLRDHUP, 0};
      constexpr int most_ms = 30'000;
      REQUIRE(::poll(&each, 1, most_ms) == 1);
      // What was sent before is taken no more, so that a blocking `send` would wait for minutes.
      if (each.revents & (POLLRDHUP | POLLHUP | POLLERR))
        return false;
      auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    return true;
  }

private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int fd_;
};

std::uint16_t free_port() {
  return raw_tcp{}.bind_any();
}

std::string endpoint_of(std::uint16_t port) {
  return "tcp://127.0.0.1:" + std::to_string(port);
}

/// A bus and what has arrived on it.
class station {
public:
  explicit station(keys own = {}) : io(std::move(own)) {
    io.deliver_to([this](inbound in) {
      std::lock_guard guard{mutex_};
      inbox_.push_back(std::move(in));
      arrival_.notify_all();
    });
  }

  socket_id open(socket_kind kind, const std::string& endpoint) {
    auto id = io.open(kind, endpoint);
    REQUIRE_MESSAGE(id, (id ? "" : id.error().message));
    return *id;
  }

  /// The next message, or nothing within `wait`.
  std::optional<inbound> next(std::chrono::milliseconds wait = deadline) {
    std::unique_lock lock{mutex_};
    if (!arrival_.wait_for(lock, wait, [this] { return !inbox_.empty(); }))
      return std::nullopt;
    auto in = std::move(inbox_.front());
    inbox_.pop_front();
    return in;
  }

private:
  std::mutex mutex_;
  std::condition_variable arrival_;
  std::deque<inbound> inbox_;

public:
  // Last, so that its thread ends before the inbox does.
  io_thread io;
};

/// A server that sends every order back.
class echo_server {
public:
  explicit echo_server(const std::string& endpoint, keys own = {}) : io_(std::move(own)) {
    io_.deliver_to([this](inbound in) {
      ++heard_;
      io_.send(in.socket, in.peer, in.bytes);
    });
    auto id = io_.open(socket_kind::orders_server, endpoint);
    REQUIRE(id);
  }
  ~echo_server() {
    io_.stop();
  }
  echo_server(const echo_server&) = delete;
  echo_server& operator=(const echo_server&) = delete;

  /// Lets the holder of a key in.
  void trust(const key_pair& client) {
    io_.trust({{client.public_key, {.watches = true}}});
  }

  void prove_with(const key_pair& own) {
    auto done = io_.prove_with({own});
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  }

  [[nodiscard]] int heard() const {
    return heard_;
  }

private:
  std::atomic<int> heard_ = 0;
  io_thread io_;
};

/// Why the next handshake that is told of failed.
std::optional<handshake_failure> next_failure(station& client) {
  while (auto in = client.next())
    if (in->failed)
      return in->failed;
  return std::nullopt;
}

/// Says `text` again and again until it comes back, as a session says hello.
bool gets_through(station& client, socket_id socket, const std::string& text) {
  auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    client.io.send(socket, "", text);
    while (auto in = client.next(milliseconds{20}))
      if (in->bytes == text)
        return true;
  }
  return false;
}

/// Waits until `socket` has told `monitor` of a lost connection.
bool is_disconnected(zmq::socket_t& monitor) {
  auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    zmq::pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
    zmq::poll(&item, 1, milliseconds{100});
    zmq::message_t what;
    zmq::message_t address;
    if (!monitor.recv(what, zmq::recv_flags::dontwait))
      continue;
    static_cast<void>(monitor.recv(address));
    std::uint16_t event = 0;
    std::memcpy(&event, what.data(), sizeof event);
    if (event == ZMQ_EVENT_DISCONNECTED)
      return true;
  }
  return false;
}

/// A ZeroMQ socket of a program that is not ours.
zmq::socket_t stranger(zmq::context_t& context, zmq::socket_type type,
                       const std::string& endpoint) {
  zmq::socket_t s{context, type};
  s.set(zmq::sockopt::linger, 0);
  if (type == zmq::socket_type::sub)
    s.set(zmq::sockopt::subscribe, "");
  s.connect(endpoint);
  return s;
}

} // namespace

TEST_CASE("thousands of orders go there and come back in their order") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "hello"));
  while (client.next(milliseconds{50})) {
  }
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 200; ++i)
      client.io.send(socket, "", std::to_string(round * 200 + i));
    for (int i = 0; i < 200; ++i) {
      auto in = client.next();
      REQUIRE(in);
      REQUIRE(in->bytes == std::to_string(round * 200 + i));
      REQUIRE(in->peer.empty());
      REQUIRE(in->socket == socket);
    }
  }
}

TEST_CASE("a wake-up is never lost, whichever threads send") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "hello"));
  while (client.next(milliseconds{50})) {
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i)
        client.io.send(socket, "", std::to_string(t * 100 + i));
    });
  for (auto& each : threads)
    each.join();
  std::set<std::string> seen;
  while (seen.size() < 800) {
    auto in = client.next();
    REQUIRE(in);
    seen.insert(in->bytes);
  }
}

TEST_CASE("each client gets its own answers") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station clients;
  std::map<socket_id, std::string> word_of;
  for (int i = 0; i < 20; ++i) {
    auto socket = clients.open(socket_kind::orders_client, endpoint);
    word_of[socket] = "client " + std::to_string(i);
    REQUIRE(gets_through(clients, socket, word_of[socket]));
  }
  for (const auto& [socket, word] : word_of)
    clients.io.send(socket, "", word);
  for (std::set<socket_id> heard; heard.size() < word_of.size();) {
    auto in = clients.next();
    REQUIRE(in);
    REQUIRE(in->bytes == word_of[in->socket]);
    heard.insert(in->socket);
  }
}

TEST_CASE("a port in use is refused in words") {
  station s;
  auto endpoint = endpoint_of(free_port());
  s.open(socket_kind::orders_server, endpoint);
  station second;
  auto id = second.io.open(socket_kind::events_server, endpoint);
  REQUIRE_FALSE(id);
  CHECK(id.error().message == "cannot listen on " + endpoint + ": the address is in use already");
  CHECK_FALSE(id.error().hint.empty());
}

TEST_CASE("what is no endpoint is refused in words") {
  station s;
  for (const auto* endpoint :
       {"", "localhost", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:x", "udp://127.0.0.1:5", "http://127.0.0.1:80", "inproc://wake"})
    for (auto kind : {socket_kind::orders_server, socket_kind::orders_client}) {
      auto id = s.io.open(kind, endpoint);
      REQUIRE_MESSAGE(!id, std::string{endpoint});
      CHECK(id.error().code == failure_code::invalid);
      CHECK(id.error().message
            == "\"" + std::string{endpoint}
                 + "\" is not an endpoint; expected an address such as tcp://127.0.0.1:4001");
    }
  auto foreign = s.io.open(socket_kind::orders_server, "tcp://192.0.2.1:4001");
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().message
        == "cannot listen on tcp://192.0.2.1:4001: this machine has no such address");
}

TEST_CASE("a message of 100 MB costs its sender the connection and nobody else anything") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "before"));

  zmq::context_t context;
  auto big = stranger(context, zmq::socket_type::dealer, endpoint);
  REQUIRE(zmq_socket_monitor(big.handle(), "inproc://monitor", ZMQ_EVENT_DISCONNECTED) == 0);
  zmq::socket_t monitor{context, zmq::socket_type::pair};
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect("inproc://monitor");
  big.send(zmq::message_t{100 << 20}, zmq::send_flags::none);
  CHECK(is_disconnected(monitor));

  CHECK(gets_through(client, socket, "after"));
}

TEST_CASE("a message of the largest size passes, a larger one is not sent at all") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "hello"));
  auto largest = deployminator::messages::max_message_bytes;
  client.io.send(socket, "", std::string(largest + 1, 'x'));
  CHECK(gets_through(client, socket, std::string(largest, 'y')));
}

TEST_CASE("garbage from strangers does not disturb anybody") {
  auto port = free_port();
  auto endpoint = endpoint_of(port);
  echo_server server{endpoint};
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "before"));
  for (const auto& bytes : {std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
                            std::string(100'000, '\xff'), std::string(10, '\0'),
                            std::string{"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL", 16}, std::string{}}) {
    raw_tcp other;
    other.connect_to(port);
    other.write(bytes);
    CHECK(gets_through(client, socket, "during"));
  }
  CHECK(gets_through(client, socket, "after"));
}

TEST_CASE("messages of several frames, or of none of our bytes, are dropped") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto orders = server.open(socket_kind::orders_server, endpoint);
  zmq::context_t context;
  auto other = stranger(context, zmq::socket_type::dealer, endpoint);
  other.send(zmq::str_buffer("one"), zmq::send_flags::sndmore);
  other.send(zmq::str_buffer("two"), zmq::send_flags::sndmore);
  other.send(zmq::str_buffer("three"), zmq::send_flags::none);
  other.send(zmq::message_t{}, zmq::send_flags::none);
  other.send(zmq::message_t{}, zmq::send_flags::sndmore);
  other.send(zmq::str_buffer("as REQ does"), zmq::send_flags::none);
  other.send(zmq::str_buffer("proper"), zmq::send_flags::none);
  auto in = server.next();
  REQUIRE(in);
  CHECK(in->bytes == "proper");
  CHECK(in->socket == orders);
  CHECK_FALSE(in->peer.empty());
  server.io.send(orders, in->peer, "answer");
  zmq::message_t answer;
  other.set(zmq::sockopt::rcvtimeo, static_cast<int>(milliseconds{deadline}.count()));
  REQUIRE(other.recv(answer));
  CHECK(answer.to_string() == "answer");
}

TEST_CASE("what is sent to a peer that is not there is dropped") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto orders = server.open(socket_kind::orders_server, endpoint);
  server.io.send(orders, "nobody", "hello?");
  server.io.send(orders, "", "hello?");
  server.io.send(12345, "", "to a socket that never was");
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  while (!server.next(milliseconds{20}))
    client.io.send(socket, "", "here");
}

TEST_CASE("a peer that does not read slows nobody") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto orders = server.open(socket_kind::orders_server, endpoint);
  zmq::context_t context;
  auto stalled = stranger(context, zmq::socket_type::dealer, endpoint);
  stalled.send(zmq::str_buffer("I am here"), zmq::send_flags::none);
  auto peer = server.next();
  REQUIRE(peer);
  for (int i = 0; i < 5'000; ++i)
    server.io.send(orders, peer->peer, std::string(10'000, 'x'));
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  std::optional<inbound> in;
  while (!in) {
    client.io.send(socket, "", "here");
    in = server.next(milliseconds{20});
  }
  server.io.send(orders, in->peer, "answer");
  auto answer = client.next();
  REQUIRE(answer);
  CHECK(answer->bytes == "answer");
}

TEST_CASE("a server that died and came back is found again, without stale orders") {
  auto endpoint = endpoint_of(free_port());
  station client;
  auto first = std::make_unique<echo_server>(endpoint);
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "hello"));
  first.reset();
  // Once the loss is noticed nothing is queued; what was sent just before is lost anyway.
  auto noticed = std::chrono::steady_clock::now() + milliseconds{300};
  while (std::chrono::steady_clock::now() < noticed)
    static_cast<void>(client.next(milliseconds{10}));
  client.io.send(socket, "", "stale");
  echo_server second{endpoint};
  auto end = std::chrono::steady_clock::now() + deadline;
  bool back = false;
  while (!back && std::chrono::steady_clock::now() < end) {
    client.io.send(socket, "", "hello again");
    while (auto in = client.next(milliseconds{20})) {
      CHECK(in->bytes != "stale");
      back = back || in->bytes == "hello again";
    }
  }
  CHECK(back);
}

TEST_CASE("a socket that was closed is replaced by a new one") {
  auto endpoint = endpoint_of(free_port());
  echo_server server{endpoint};
  station client;
  std::set<socket_id> ids;
  for (int i = 0; i < 20; ++i) {
    auto socket = client.open(socket_kind::orders_client, endpoint);
    CHECK(ids.insert(socket).second);
    REQUIRE(gets_through(client, socket, "round " + std::to_string(i)));
    client.io.close(socket);
    client.io.close(socket);
    client.io.send(socket, "", "too late");
  }
}

TEST_CASE("a late watcher hears that it is subscribed, and then everything") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto publisher = server.open(socket_kind::events_server, endpoint);
  std::atomic<int> published = 0;
  std::jthread publishing{[&](const std::stop_token& stop) {
    // At the pace of a busy farm, since a watcher may only be so far behind.
    while (!stop.stop_requested()) {
      server.io.send(publisher, "", std::to_string(++published));
      std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
  }};
  for (int i = 0; i < 25; ++i) {
    station watcher;
    std::atomic<int> published_at_marker = -1;
    std::atomic<int> markers = 0;
    std::mutex mutex;
    std::vector<int> heard;
    std::condition_variable more;
    watcher.io.deliver_to([&](inbound in) {
      std::lock_guard guard{mutex};
      if (in.bytes.empty() && ++markers == 1)
        published_at_marker = published.load() + 1;
      else if (markers == 1)
        heard.push_back(std::stoi(in.bytes));
      more.notify_all();
    });
    watcher.open(socket_kind::events_client, endpoint);
    std::unique_lock lock{mutex};
    bool in_time = more.wait_for(
      lock, deadline, [&] { return !heard.empty() && heard.back() >= published_at_marker + 100; });
    CHECK(in_time);
    CHECK(markers == 1);
    REQUIRE_FALSE(heard.empty());
    CHECK(heard.front() <= published_at_marker.load());
    for (std::size_t n = 1; n < heard.size(); ++n)
      REQUIRE(heard[n] == heard[n - 1] + 1);
    lock.unlock();
    watcher.io.stop();
  }
}

TEST_CASE("a watcher is told once that it is subscribed, whoever comes after it") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto publisher = server.open(socket_kind::events_server, endpoint);
  station early;
  early.open(socket_kind::events_client, endpoint);
  auto marker = early.next();
  REQUIRE(marker);
  CHECK(marker->bytes.empty());
  station late;
  late.open(socket_kind::events_client, endpoint);
  REQUIRE(late.next());
  server.io.send(publisher, "", "news");
  auto news = early.next();
  REQUIRE(news);
  CHECK(news->bytes == "news");
}

TEST_CASE("a watcher that has stopped reading slows neither the server nor the others") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto publisher = server.open(socket_kind::events_server, endpoint);
  zmq::context_t context;
  auto stalled = stranger(context, zmq::socket_type::sub, endpoint);
  zmq::message_t marker;
  stalled.set(zmq::sockopt::rcvtimeo, static_cast<int>(milliseconds{deadline}.count()));
  REQUIRE(stalled.recv(marker));
  CHECK(marker.to_string() == subscription_marker);
  station watcher;
  watcher.open(socket_kind::events_client, endpoint);
  auto subscribed = watcher.next();
  REQUIRE(subscribed);
  REQUIRE(subscribed->bytes.empty());
  // Far more than the stalled one's queues hold.
  const std::string text(1000, 'x');
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 1000; ++i)
      server.io.send(publisher, "", text);
    for (int i = 0; i < 1000; ++i)
      REQUIRE(watcher.next());
  }
}

TEST_CASE("agents' progress is collected") {
  auto endpoint = endpoint_of(free_port());
  station server;
  auto collector = server.open(socket_kind::progress_server, endpoint);
  station agents;
  auto one = agents.open(socket_kind::progress_client, endpoint);
  auto two = agents.open(socket_kind::progress_client, endpoint);
  std::set<std::string> heard;
  auto end = std::chrono::steady_clock::now() + deadline;
  while (heard.size() < 2 && std::chrono::steady_clock::now() < end) {
    agents.io.send(one, "", "from one");
    agents.io.send(two, "", "from two");
    while (auto in = server.next(milliseconds{10})) {
      CHECK(in->socket == collector);
      heard.insert(in->bytes);
    }
  }
  CHECK(heard.size() == 2);
}

TEST_CASE("a bus that has stopped ignores what it is told") {
  auto endpoint = endpoint_of(free_port());
  io_thread io;
  auto socket = io.open(socket_kind::orders_server, endpoint);
  REQUIRE(socket);
  io.stop();
  io.stop();
  io.send(*socket, "peer", "bytes");
  io.close(*socket);
  auto late = io.open(socket_kind::orders_server, endpoint);
  REQUIRE_FALSE(late);
  CHECK(late.error().message == "no socket can be opened: the bus has stopped");
}

TEST_CASE("buses come and go with work in their queues") {
  auto port = free_port();
  for (int i = 0; i < 50; ++i) {
    io_thread io;
    auto server = io.open(socket_kind::orders_server, endpoint_of(port));
    REQUIRE_MESSAGE(server, (server ? "" : server.error().message));
    auto client = io.open(socket_kind::orders_client, endpoint_of(port));
    REQUIRE(client);
    for (int n = 0; n < 100; ++n)
      io.send(*client, "", "hello");
  }
}

TEST_CASE("a receiver that was replaced is not called any more") {
  auto endpoint = endpoint_of(free_port());
  io_thread io;
  auto server = io.open(socket_kind::orders_server, endpoint);
  REQUIRE(server);
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  for (int i = 0; i < 50; ++i) {
    auto count = std::make_unique<std::atomic<int>>(0);
    io.deliver_to([&count](inbound) { ++*count; });
    for (int n = 0; n < 20; ++n)
      client.io.send(socket, "", "hello");
    io.deliver_to({});
    count.reset();
  }
}

namespace {

/// A server and a client whose connection is encrypted.
struct encrypted_pair {
  key_pair of_server = new_key_pair();
  key_pair of_client = new_key_pair();
  std::string endpoint = endpoint_of(free_port());
  station server{server_keys{of_server}};
  station client{client_keys{of_client, of_server.public_key}};
  socket_id orders = server.open(socket_kind::orders_server, endpoint);
  socket_id socket = client.open(socket_kind::orders_client, endpoint);

  void trust(key_rights rights = {}) {
    server.io.trust({{of_client.public_key, rights}});
  }

  /// Says hello until something arrives at the server, which it returns.
  std::optional<inbound> arrival() {
    auto end = std::chrono::steady_clock::now() + deadline;
    while (std::chrono::steady_clock::now() < end) {
      client.io.send(socket, "", "hello");
      if (auto in = server.next(milliseconds{20}))
        return in;
    }
    return std::nullopt;
  }

  /// Why the client's handshake fails.
  std::optional<handshake_failure> failed() {
    return next_failure(client);
  }
};

} // namespace

TEST_CASE("a message comes with the key that its connection proves") {
  encrypted_pair pair;
  pair.trust();
  auto in = pair.arrival();
  REQUIRE(in);
  CHECK(in->bytes == "hello");
  CHECK(in->key == pair.of_client.public_key);
}

TEST_CASE("a handshake waits until the server knows whom it lets in") {
  encrypted_pair pair;
  // So long that a refusal, which stalls the client's next try for five seconds, would be seen.
  CHECK_FALSE(pair.client.next(milliseconds{300}));
  auto begun = std::chrono::steady_clock::now();
  pair.trust();
  REQUIRE(pair.arrival());
  MESSAGE("let in after ", (std::chrono::steady_clock::now() - begun) / milliseconds{1}, " ms");
  CHECK_FALSE(pair.client.next(milliseconds{0}));
}

TEST_CASE("who is not let in is told why") {
  encrypted_pair pair;
  SUBCASE("its key is not known") {
    pair.server.io.trust({});
    CHECK(pair.failed() == handshake_failure::unknown_key);
  }
  SUBCASE("its key was revoked") {
    pair.trust({.is_revoked = true});
    CHECK(pair.failed() == handshake_failure::revoked_key);
  }
}

TEST_CASE("who is trusted no more is not heard any more") {
  encrypted_pair pair;
  pair.trust();
  REQUIRE(pair.arrival());
  while (pair.server.next(milliseconds{50})) {
  }
  pair.trust({.is_revoked = true});
  // What comes before the server has learned of it is heard, so it is said until it is not.
  std::optional<handshake_failure> why;
  for (auto until = std::chrono::steady_clock::now() + deadline;
       !why && std::chrono::steady_clock::now() < until;) {
    pair.client.io.send(pair.socket, "", "what ends its connection");
    if (auto news = pair.client.next(milliseconds{50}))
      why = news->failed;
  }
  CHECK(why == handshake_failure::revoked_key);
  while (pair.server.next(milliseconds{50})) {
  }
  pair.client.io.send(pair.socket, "", "what is not heard");
  CHECK_FALSE(pair.server.next(milliseconds{200}));
}

TEST_CASE("while too much is not worked through nothing more is read, and nothing is lost") {
  auto endpoint = endpoint_of(free_port());
  io_thread server;
  std::mutex mutex;
  std::condition_variable arrival;
  std::vector<inbound> kept;
  std::size_t seen = 0;
  server.deliver_to([&](inbound in) {
    std::lock_guard guard{mutex};
    kept.push_back(std::move(in));
    ++seen;
    arrival.notify_all();
  });
  REQUIRE(server.open(socket_kind::orders_server, endpoint));
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint);
  const auto limit = backlog_limits{}.messages;
  std::unique_lock lock{mutex};
  auto until = std::chrono::steady_clock::now() + deadline;
  while (seen < limit && std::chrono::steady_clock::now() < until) {
    client.io.send(socket, "", "more");
    arrival.wait_for(lock, milliseconds{1});
  }
  REQUIRE(seen == limit);
  for (int i = 0; i < 20; ++i)
    client.io.send(socket, "", "too much");
  CHECK_FALSE(arrival.wait_for(lock, milliseconds{200}, [&] { return seen > limit; }));
  auto done = std::exchange(kept, {});
  lock.unlock();
  done.clear();
  lock.lock();
  auto is_last = [&] { return !kept.empty() && kept.back().bytes == "too much"; };
  CHECK(arrival.wait_for(lock, deadline, is_last));
  lock.unlock();
  server.stop();
}

TEST_CASE("a message of endlessly many frames costs its sender the connection") {
  using namespace std::string_literals;
  auto port = free_port();
  echo_server server{endpoint_of(port)};
  raw_tcp other;
  other.connect_to(port);
  other.write("\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL"s + std::string(48, '\0'));
  other.write("\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"s + "DEALER");
  // "More" and "long", and the length of a frame of 1 MiB.
  auto frame = "\x03\0\0\0\0\0\x10\0\0"s + std::string(1 << 20, 'x');
  int sent = 0;
  while (sent < 2'000 && other.write(frame))
    ++sent;
  CHECK(sent < 2'000);
  station client;
  auto socket = client.open(socket_kind::orders_client, endpoint_of(port));
  CHECK(gets_through(client, socket, "after"));
}

TEST_CASE("a server that takes another key is found again by whoever expects it") {
  auto endpoint = endpoint_of(free_port());
  auto before = new_key_pair();
  auto after = new_key_pair();
  auto own = new_key_pair();
  echo_server server{endpoint, server_keys{before}};
  server.trust(own);
  station client{client_keys{own, before.public_key, ""}};
  auto orders = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, orders, "before"));
  client.io.expect(after.public_key);
  server.prove_with(after);
  REQUIRE(gets_through(client, orders, "after"));
  client.io.send(orders, "", "proven");
  std::optional<inbound> answer;
  do
    answer = client.next();
  while (answer && answer->bytes != "proven");
  REQUIRE(answer);
  CHECK(answer->key == after.public_key);
  CHECK_FALSE(answer->failed);
}

TEST_CASE("what arrived before the server takes another key is delivered") {
  constexpr int orders = 500;
  auto endpoint = endpoint_of(free_port());
  auto own = new_key_pair();
  auto first = new_key_pair();
  echo_server server{endpoint, server_keys{first}};
  server.trust(own);
  station client{client_keys{own, first.public_key, ""}};
  auto socket = client.open(socket_kind::orders_client, endpoint);
  REQUIRE(gets_through(client, socket, "there"));
  auto before = server.heard();
  for (int i = 0; i < orders; ++i)
    client.io.send(socket, "", "order");
  for (int answers = 0; answers < orders; ++answers)
    REQUIRE(client.next());
  server.prove_with(new_key_pair());
  CHECK(server.heard() >= before + orders);
}

TEST_CASE("a watcher who expects the server's other key goes on, and hears that he is subscribed") {
  auto endpoint = endpoint_of(free_port());
  auto events = endpoint_of(free_port());
  auto before = new_key_pair();
  auto after = new_key_pair();
  auto own = new_key_pair();
  station server{server_keys{before}};
  server.io.trust({{own.public_key, {.watches = true}}});
  server.open(socket_kind::orders_server, endpoint);
  auto publisher = server.open(socket_kind::events_server, events);
  station client{client_keys{own, before.public_key, after.public_key}};
  client.open(socket_kind::orders_client, endpoint);
  auto watching = client.open(socket_kind::events_client, events);
  for (const auto& key : {before, after}) {
    if (key.public_key == after.public_key) {
      auto done = server.io.prove_with({after});
      REQUIRE(done);
    }
    auto marker = client.next();
    REQUIRE(marker);
    CHECK(marker->socket == watching);
    CHECK(marker->bytes.empty());
    server.io.send(publisher, "", "an event");
    auto event = client.next();
    REQUIRE(event);
    CHECK(event->bytes == "an event");
    CHECK(event->key == key.public_key);
  }
}

TEST_CASE("a client hears that both keys are wrong, and one that has but one, that it is") {
  auto endpoint = endpoint_of(free_port());
  auto own = new_key_pair();
  echo_server server{endpoint, server_keys{new_key_pair()}};
  server.trust(own);
  for (const auto& other : {std::string{}, new_key_pair().public_key}) {
    station client{client_keys{own, new_key_pair().public_key, other}};
    client.open(socket_kind::orders_client, endpoint);
    CHECK(next_failure(client) == handshake_failure::other_server_key);
  }
}
