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
  CHECK(reachable("", "tcp://192.0.2.1:4001").empty());
}
