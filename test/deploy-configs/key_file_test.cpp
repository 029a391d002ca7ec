#include "test/deploy-configs/key_directory.hpp"

#include <doctest/doctest.h>

#include <string>
#include <unistd.h>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::configs;
using messages::failure_code;

namespace {

std::string sentence(const messages::result<key_file>& read) {
  REQUIRE_FALSE(read);
  return read.error().message;
}

} // namespace

TEST_CASE("a key file is read as it was written, and its owner's alone") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some_key_file()));
  struct stat is {};
  REQUIRE(::stat(path.c_str(), &is) == 0);
  CHECK((is.st_mode & 0777) == 0600);
  auto read = read_key_file(path);
  REQUIRE(read);
  CHECK(read->name == "web1");
  CHECK(read->role == messages::key_role::agent);
  CHECK(read->servers == some_key_file().servers);
  CHECK(read->server_key == some_key_file().server_key);
  CHECK(read->public_key == some_key_file().public_key);
  CHECK(read->secret_key == some_key_file().secret_key);
  CHECK_FALSE(read->next_server_key);
}

TEST_CASE("a key file with the server's next key is read as it was written") {
  key_directory keys;
  auto path = keys.file("web1.key");
  auto content = some_key_file();
  content.next_server_key = {std::string(40, 'c'), {1'800'000'000'000'001}};
  content.store = "0123abcd";
  content.path = path;
  REQUIRE(write_key_file(path, content));
  auto read = read_key_file(path);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  CHECK(*read == content);
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
  CHECK_FALSE(read->next);
}

TEST_CASE("a server's key file with its next key is read as it was written") {
  key_directory keys;
  auto path = server_key_path(keys.path.string());
  next_key_pair next{std::string(40, 'c'), std::string(40, 'd'), {1'800'000'000'000'001}};
  REQUIRE(write_server_key_file(path, {{"tcp://a:1"}, a_key, std::string(40, 'b'), a_key, next}));
  auto read = read_server_key_file(path);
  REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
  CHECK(read->next == next);
}

TEST_CASE("a key file is replaced in place, its owner's alone and with nothing beside it") {
  key_directory keys;
  auto path = keys.file("web1.key");
  auto link = keys.file("link.key");
  REQUIRE(write_key_file(path, some_key_file()));
  fs::create_symlink("web1.key", link);
  auto other = some_key_file();
  other.server_key = std::string(40, 'z');
  REQUIRE(replace_key_file(link, other));
  struct stat is {};
  REQUIRE(::stat(path.c_str(), &is) == 0);
  CHECK((is.st_mode & 0777) == 0600);
  CHECK(fs::is_symlink(link));
  CHECK(std::distance(fs::directory_iterator{keys.path}, fs::directory_iterator{}) == 2);
  auto read = read_key_file(path);
  REQUIRE(read);
  CHECK(read->server_key == other.server_key);
}

TEST_CASE("a key file that is not there is not replaced") {
  key_directory keys;
  auto replaced = replace_key_file(keys.file("none.key"), some_key_file());
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message
        == "the key file " + keys.file("none.key")
             + " cannot be replaced: No such file or directory");
}

TEST_CASE("no key file is overwritten") {
  key_directory keys;
  auto path = keys.with("precious");
  auto written = write_key_file(path, some_key_file());
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "there is a file " + path + " already");
  CHECK(fs::file_size(path) == 8);
}

TEST_CASE("a key file that others may use is refused, with what to do") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some_key_file()));
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
  CHECK(sentence(read_key_file(keys.with("name: x\nnext_server_key: abc\n")))
        == path + ":2:18: `next_server_key` is `abc`; expected a CURVE key of 40 characters");
  CHECK(sentence(read_key_file(keys.with("name: x\nnext_server_key_from: noon\n")))
        == path
             + ":2:23: `next_server_key_from` is `noon`; expected a time such as "
               "2026-01-31T09:30:00.000000Z");
  CHECK(sentence(read_key_file(keys.with("nam: x\n"))).starts_with(path + ":1:1"));
  CHECK(sentence(read_key_file(keys.with("{"))).starts_with(path));
  CHECK(sentence(read_key_file(keys.with("name: x\n"))) == path + ": `servers` is missing");
  CHECK(sentence(read_key_file(keys.file("none"))).ends_with("No such file or directory"));
  CHECK(sentence(read_key_file(keys.path.string())).find("others") != std::string::npos);
}

TEST_CASE("half of a next key is refused") {
  key_directory keys;
  auto whole = keys.file("whole.key");
  REQUIRE(write_key_file(whole, some_key_file()));
  std::ostringstream text;
  text << std::ifstream{whole}.rdbuf();
  auto path = keys.file("some.key");
  CHECK(sentence(read_key_file(keys.with(text.str() + "next_server_key: " + a_key + "\n")))
        == path + ": `next_server_key_from` is missing");
  CHECK(sentence(read_key_file(
          keys.with(text.str() + "next_server_key_from: \"2026-01-31T09:30:00.000000Z\"\n")))
        == path + ": `next_server_key` is missing");
  auto half = read_server_key_file(keys.with("public_key: " + a_key + "\nsecret_key: " + a_key
                                             + "\nnext_public_key: " + a_key + "\n"));
  REQUIRE_FALSE(half);
  CHECK(half.error().message == path + ": `next_secret_key` is missing");
}
