#include "deploy-configs/key_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::configs;
using messages::failure_code;

namespace {

namespace fs = std::filesystem;

/// A directory for key files.
struct key_directory {
  key_directory() : path(fs::temp_directory_path() / ("keys-" + std::to_string(getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  key_directory(const key_directory&) = delete;
  key_directory& operator=(const key_directory&) = delete;
  ~key_directory() {
    fs::remove_all(path);
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return (path / name).string();
  }

  /// Writes a file that its owner alone may read.
  [[nodiscard]] std::string with(const std::string& text) const {
    auto out = file("some.key");
    std::ofstream{out} << text;
    fs::permissions(out, fs::perms::owner_read | fs::perms::owner_write);
    return out;
  }

  fs::path path;
};

const std::string a_key(40, 'a');

key_file some() {
  return {"web1",
          messages::key_role::agent,
          {"tcp://10.0.0.1:4001", "tcp://[2001:db8::1]:4001"},
          "!/*?&<>()[]{}@%$#.-:+=^abcdefghijklmnopq",
          a_key,
          std::string(40, 'b')};
}

std::string sentence(const messages::result<key_file>& read) {
  REQUIRE_FALSE(read);
  return read.error().message;
}

} // namespace

TEST_CASE("a key file is read as it was written, and its owner's alone") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some()));
  struct stat is {};
  REQUIRE(::stat(path.c_str(), &is) == 0);
  CHECK((is.st_mode & 0777) == 0600);
  auto read = read_key_file(path);
  REQUIRE(read);
  CHECK(read->name == "web1");
  CHECK(read->role == messages::key_role::agent);
  CHECK(read->servers == some().servers);
  CHECK(read->server_key == some().server_key);
  CHECK(read->public_key == some().public_key);
  CHECK(read->secret_key == some().secret_key);
}

TEST_CASE("a server's key file is read as it was written") {
  key_directory keys;
  auto path = server_key_path(keys.path.string());
  REQUIRE(write_server_key_file(path, {{"tcp://a:1"}, a_key, std::string(40, 'b'), a_key}));
  auto read = read_server_key_file(path);
  REQUIRE(read);
  CHECK(read->servers == std::vector<std::string>{"tcp://a:1"});
  CHECK(read->secret_key == std::string(40, 'b'));
  CHECK(read->operator_key == a_key);
}

TEST_CASE("no key file is overwritten") {
  key_directory keys;
  auto path = keys.with("precious");
  auto written = write_key_file(path, some());
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "there is a file " + path + " already");
  CHECK(fs::file_size(path) == 8);
}

TEST_CASE("a key file that others may use is refused, with what to do") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some()));
  for (auto more : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | more);
    auto read = read_key_file(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == failure_code::refused);
    CHECK(read.error().hint.starts_with("chmod 600 " + path));
  }
}

TEST_CASE("what is wrong in a key file is told with its place") {
  key_directory keys;
  auto path = keys.file("some.key");
  CHECK(sentence(read_key_file(keys.with("name: x\nrole: king\n")))
        == path + ":2:7: `role` is `king`; expected operator, builder, viewer or agent");
  CHECK(
    sentence(read_key_file(keys.with("name: x\nsecret_key: abc\n"))).starts_with(path + ":2:13"));
  CHECK(sentence(read_key_file(keys.with("name: x\nservers: [http://x]\n"))).starts_with(path));
  CHECK(sentence(read_key_file(keys.with("nam: x\n"))).starts_with(path + ":1:1"));
  CHECK(sentence(read_key_file(keys.with("{"))).starts_with(path));
  CHECK(sentence(read_key_file(keys.with("name: x\n"))) == path + ": `servers` is missing");
  CHECK(sentence(read_key_file(keys.file("none"))).ends_with("No such file or directory"));
  CHECK(sentence(read_key_file(keys.path.string())).find("others") != std::string::npos);
}
