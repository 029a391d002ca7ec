#include "messages/endpoint.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace deployminator::messages {

namespace {

std::string expected_of(const std::string& text, endpoint_use use) {
  auto parsed = parse_endpoint(text, use);
  return parsed ? "" : parsed.error().message;
}

TEST_CASE("endpoints are read into their parts") {
  auto tcp = parse_endpoint("tcp://[2001:db8::1]:4001", endpoint_use::connect);
  REQUIRE(tcp);
  CHECK(tcp->host == "2001:db8::1");
  CHECK(tcp->port == 4001);
  CHECK(tcp_endpoint(tcp->host, tcp->port) == "tcp://[2001:db8::1]:4001");
  auto ipc = parse_endpoint("ipc:///run/orders", endpoint_use::listen);
  REQUIRE(ipc);
  CHECK(ipc->path == "/run/orders");
  CHECK(ipc->host.empty());
  for (const char* any : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:65535"})
    CHECK(parse_endpoint(any, endpoint_use::listen)->is_any_address());
  CHECK_FALSE(parse_endpoint("tcp://localhost:1", endpoint_use::listen)->is_any_address());
}

TEST_CASE("what is no endpoint is told with what was expected") {
  for (const char* wrong :
       {"", "x", "4001", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:x", "tcp://a:65536",
        "tcp://a:-1", "tcp://a b:1", "tcp://a/b:1", "tcp://::1:1", "tcp://[]:1", "tcp://[::1:1",
        "pgm://a:1", "TCP://a:1", "tcp://a;b:1", "tcp://a:1\n"})
    for (auto use : {endpoint_use::listen, endpoint_use::connect})
      CHECK_MESSAGE(expected_of(wrong, use) == "an address such as tcp://127.0.0.1:4001", wrong);
  CHECK(expected_of("ipc://", endpoint_use::listen) == "ipc:// and a path of 1 to 107 bytes");
  CHECK(expected_of("ipc://" + std::string(108, 'x'), endpoint_use::listen)
        == "ipc:// and a path of 1 to 107 bytes");
}

TEST_CASE("a port that nobody could know is refused") {
  for (const char* wrong : {"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://*:0"})
    CHECK(expected_of(wrong, endpoint_use::listen)
          == "a port from 1 to 65535: one that is chosen anew with each start, nobody else would "
             "know");
}

TEST_CASE("nobody connects to all addresses") {
  CHECK(expected_of("tcp://*:4001", endpoint_use::listen).empty());
  CHECK(expected_of("tcp://*:4001", endpoint_use::connect)
        == "the name or address of one machine: `*` is all addresses of the one that listens");
}

} // namespace

} // namespace deployminator::messages
