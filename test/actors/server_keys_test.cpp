#include "actors/server_keys.hpp"
#include "deploy-configs/key_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <unistd.h>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::actors;
using messages::failure_code;
using messages::timestamp;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

constexpr timestamp now{1'800'000'000'000'000};

timestamp later(std::chrono::microseconds by) {
  return {now.microseconds + by.count()};
}

/// The settings of a server whose keys are in a directory of their own, made by `--init`; the next
/// key takes over after an hour.
struct server_place {
  server_place() {
    std::string name = (fs::temp_directory_path() / "server-keys-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    settings.keys = name;
    settings.listen = "tcp://127.0.0.1:4001";
    settings.rotate_in = 1h;
    REQUIRE(init_keys(settings));
  }
  server_place(const server_place&) = delete;
  server_place& operator=(const server_place&) = delete;
  ~server_place() {
    fs::remove_all(settings.keys);
  }

  [[nodiscard]] std::string public_key(timestamp at) const {
    auto loaded = load_keys(settings, at);
    REQUIRE(loaded);
    return std::get<bus::server_keys>(loaded->keys).own.public_key;
  }

  [[nodiscard]] std::optional<messages::next_server_key> next(timestamp at) const {
    auto loaded = load_keys(settings, at);
    REQUIRE(loaded);
    return loaded->next;
  }

  configs::server_settings settings;
};

} // namespace

TEST_CASE("the next key takes over at its time") {
  server_place server;
  auto first = server.public_key(now);
  CHECK_FALSE(server.next(now));
  auto told = rotate_key(server.settings, now);
  REQUIRE(told);
  auto next = server.next(now);
  REQUIRE(next);
  CHECK(next->from == later(1h));
  CHECK(told->find(next->key) != std::string::npos);
  CHECK(told->find(to_text(next->from)) != std::string::npos);
  CHECK(server.public_key(later(1h - 1us)) == first);
  CHECK(server.public_key(later(1h)) == next->key);
  CHECK_FALSE(server.next(later(1h)));
  auto loaded = load_keys(server.settings, later(1h));
  const auto& own = std::get<bus::server_keys>(loaded->keys).own;
  CHECK(own.secret_key != own.public_key);
}

TEST_CASE("the key file of a rotation is its owner's alone, and keeps what else it has") {
  server_place server;
  auto path = configs::server_key_path(server.settings.keys);
  auto before = configs::read_server_key_file(path);
  REQUIRE(rotate_key(server.settings, now));
  struct stat is {};
  REQUIRE(::stat(path.c_str(), &is) == 0);
  CHECK((is.st_mode & 0777) == 0600);
  auto after = configs::read_server_key_file(path);
  REQUIRE(after);
  CHECK(after->operator_key == before->operator_key);
  CHECK(after->servers == before->servers);
}

TEST_CASE("a rotation is not begun while another is under way, and that tells when it ends") {
  server_place server;
  REQUIRE(rotate_key(server.settings, now));
  auto next = server.next(now);
  auto again = rotate_key(server.settings, later(59min));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == failure_code::refused);
  CHECK(again.error().message
        == "the server's key is being rotated already: " + next->key + " takes over at "
             + to_text(next->from));
  CHECK(server.next(now) == next);
}

TEST_CASE("after a rotation another one begins with the key that has taken over") {
  server_place server;
  REQUIRE(rotate_key(server.settings, now));
  auto second = server.next(now)->key;
  REQUIRE(rotate_key(server.settings, later(2h)));
  CHECK(server.public_key(later(2h)) == second);
  CHECK(server.next(later(2h))->from == later(3h));
}

TEST_CASE("without keys there is none to rotate") {
  configs::server_settings settings;
  settings.keys = "none";
  auto rotated = rotate_key(settings, now);
  REQUIRE_FALSE(rotated);
  CHECK(rotated.error().code == failure_code::invalid);
  CHECK(load_keys(settings, now));
}

TEST_CASE("a server that runs notices a rotation, and takes the next key at its time") {
  server_place server;
  key_watch watch{server.settings, *load_keys(server.settings, now)};
  CHECK_FALSE(watch.look(later(1s)).is_announced);
  REQUIRE(rotate_key(server.settings, now));
  auto begun = watch.look(later(2s));
  CHECK(begun.is_announced);
  CHECK_FALSE(begun.taken);
  auto next = watch.next();
  REQUIRE(next);
  auto quiet = watch.look(later(59min));
  CHECK_FALSE(quiet.is_announced);
  CHECK_FALSE(quiet.taken);
  auto ended = watch.look(later(1h));
  CHECK(ended.is_announced);
  REQUIRE(ended.taken);
  CHECK(ended.taken->own.public_key == next->key);
  CHECK_FALSE(watch.next());
  CHECK_FALSE(watch.look(later(61min)).taken);
}

TEST_CASE("a clock that was set back gives no former key back") {
  server_place server;
  REQUIRE(rotate_key(server.settings, now));
  key_watch watch{server.settings, *load_keys(server.settings, now)};
  CHECK(watch.look(later(1h)).taken);
  CHECK_FALSE(watch.look(now).taken);
}

TEST_CASE("a key file that cannot be read is told of once, and the server keeps its key") {
  server_place server;
  key_watch watch{server.settings, *load_keys(server.settings, now)};
  auto path = configs::server_key_path(server.settings.keys);
  fs::rename(path, path + ".away");
  CHECK(watch.look(later(1s)).unreadable);
  CHECK_FALSE(watch.look(later(2s)).unreadable);
  fs::rename(path + ".away", path);
  auto back = watch.look(later(3s));
  CHECK_FALSE(back.unreadable);
  CHECK_FALSE(back.taken);
}
