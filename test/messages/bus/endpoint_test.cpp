#include "messages/bus/endpoint.hpp"

#include <doctest/doctest.h>

using namespace deployminator::bus;

TEST_CASE("a server on every address is reached where it was reached before") {
  CHECK(reachable("tcp://*:4002", "tcp://deploy.example.org:4001")
        == "tcp://deploy.example.org:4002");
  CHECK(reachable("tcp://0.0.0.0:4002", "tcp://192.0.2.1:4001") == "tcp://192.0.2.1:4002");
  CHECK(reachable("tcp://[::]:4002", "tcp://[2001:db8::1]:4001") == "tcp://[2001:db8::1]:4002");
}

TEST_CASE("an address that the server names is that address") {
  CHECK(reachable("tcp://192.0.2.9:4002", "tcp://192.0.2.1:4001") == "tcp://192.0.2.9:4002");
  CHECK(reachable("ipc:///run/events", "tcp://192.0.2.1:4001") == "ipc:///run/events");
  CHECK(reachable("tcp://*:4002", "ipc:///run/orders") == "tcp://*:4002");
  CHECK(reachable("tcp://*:4002", "no endpoint") == "tcp://*:4002");
  CHECK(reachable("", "tcp://192.0.2.1:4001").empty());
}

TEST_CASE("ZeroMQ listens on a number for a name") {
  using deployminator::messages::endpoint;
  CHECK(*bind_address({"localhost", 4001, {}}) == "tcp://127.0.0.1:4001");
  CHECK(*bind_address({"LocalHost", 4001, {}}) == "tcp://127.0.0.1:4001");
  CHECK(*bind_address({"*", 4001, {}}) == "tcp://*:4001");
  CHECK(*bind_address({"::1", 4001, {}}) == "tcp://[::1]:4001");
  CHECK(*bind_address({"lo", 4001, {}}) == "tcp://lo:4001");
  CHECK(*bind_address({{}, 0, "/run/orders"}) == "ipc:///run/orders");
  auto unknown = bind_address({"nobody.invalid", 4001, {}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message.starts_with(
    "cannot listen on tcp://nobody.invalid:4001: the name nobody.invalid leads to no address: "));
}
