#include "agent/decisions/launch.hpp"
#include "agent/linux/machine_program.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace deployminator::agent {

namespace {

using testing::scratch;
using testing::write;

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

TEST_CASE("java gets every jar below the directory, in order, and follows no links") {
  scratch root;
  std::filesystem::create_directories(root / "home/lib/deep");
  for (const char* name :
       {"home/b.jar", "home/lib/deep/a.jar", "home/a.jar", "home/a.txt", "out.jar"})
    write(root / name, "");
  std::filesystem::create_directory_symlink(root.path, root / "home/up");
  auto args = java_arguments(root / "home", "com.example.Main");
  REQUIRE(args);
  CHECK(*args == std::vector<std::string>{"-cp", "a.jar:b.jar:lib/deep/a.jar", "com.example.Main"});
  std::filesystem::create_directory(root / "empty");
  CHECK(java_arguments(root / "empty", "Main").error().message
        == "cannot run the main class Main: what was downloaded has no *.jar");
}

TEST_CASE("what nobody can execute is no program") {
  CHECK_FALSE(find_machine_program("/etc/passwd"));
  CHECK_FALSE(find_machine_program("/usr/bin"));
}

} // namespace

} // namespace deployminator::agent
