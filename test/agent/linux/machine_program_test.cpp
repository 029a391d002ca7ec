#include "agent/decisions/launch.hpp"
#include "agent/linux/machine_program.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace deployminator::agent {

namespace {

TEST_CASE("a program of the machine is found by its name and by its path") {
  auto found = find_machine_program("env");
  REQUIRE(found);
  CHECK((*found == "/usr/bin/env" || *found == "/bin/env"));
  CHECK(*find_machine_program("/usr/bin/env") == "/usr/bin/env");
}

TEST_CASE("what is not on the machine is told with where it was looked for and what to do") {
  CHECK(find_machine_program("no-such-program").error().message
        == fmt::format("cannot run no-such-program: no program of that name is in {} of this "
                       "machine; install it there, or give its absolute path as `interpreter`",
                       machine_path));
  CHECK(
    find_machine_program("/opt/no/java").error().message
    == "cannot run /opt/no/java: there is no such program on this machine; install it there, or "
       "name another `interpreter`");
}

TEST_CASE("what nobody can execute is no program") {
  CHECK_FALSE(find_machine_program("/etc/passwd"));
  CHECK_FALSE(find_machine_program("/usr/bin"));
}

} // namespace

} // namespace deployminator::agent
