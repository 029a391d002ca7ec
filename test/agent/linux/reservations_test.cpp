#include "agent/linux/reservations.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

using namespace deployminator::agent;

namespace {

/// Holds what any local user may: the name of a port.
owned_fd squat(std::int64_t port) {
  auto name = fmt::format("autodeployer/port/{}", port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  owned_fd out{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  static_cast<void>(bind(out.get(), reinterpret_cast<sockaddr*>(&address), size));
  return out;
}

} // namespace

TEST_CASE("a user is reserved for the host, also from another network namespace") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only an agent that is root has users to give");
    return;
  }
  std::optional<reservation> there;
  bool is_elsewhere = false;
  std::thread{[&] {
    is_elsewhere = unshare(CLONE_NEWNET) == 0;
    if (auto given = reservations{}.user(-1))
      there = std::move(*given);
  }}.join();
  if (!is_elsewhere)
    MESSAGE("in the same network namespace: this root may not make one");
  REQUIRE(there);
  reservations here;
  CHECK_FALSE(here.this_user(there->number));
  auto other = here.user(there->number);
  REQUIRE(other);
  CHECK(other->number != there->number);
  CHECK(here.this_user(there->number).error().code
        == deployminator::messages::failure_code::refused);
  there->holder.reset();
  CHECK(here.this_user(there->number));
}

TEST_CASE("a user whose file was removed is reserved by a new one") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only an agent that is root has users to give");
    return;
  }
  reservations first;
  auto given = first.user(-1);
  REQUIRE(given);
  auto path = "/run/autodeployer-users/" + std::to_string(given->number);
  REQUIRE(unlink(path.c_str()) == 0);
  given->holder.reset();
  REQUIRE(reservations{}.this_user(given->number));
  CHECK(access(path.c_str(), F_OK) == 0);
}

TEST_CASE("a port is reserved for all agents of the network namespace") {
  auto first = reservations{}.port();
  auto second = reservations{}.port();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->number != second->number);
}

TEST_CASE("no local user can keep ports from an agent that is root") {
  if (geteuid() != 0) {
    MESSAGE("skipped: without root any user can take a port's name");
    return;
  }
  auto free = reservations{}.port();
  REQUIRE(free);
  auto squatter = squat(free->number);
  free->holder.reset();
  auto given = reservations{}.port();
  REQUIRE(given);
  CHECK(given->number == free->number);
}
