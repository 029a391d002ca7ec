#include "deploy-configs/kept_key_file.hpp"
#include "test/deploy-configs/key_directory.hpp"

#include <doctest/doctest.h>

#include <string>
#include <unistd.h>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::configs;

namespace {

const messages::next_server_key coming{std::string(40, 'n'), {1'800'000'000'000'000}};
const std::string our_store = "5eed";

messages::server_key_news rotation() {
  return {some_key_file().server_key, our_store, coming};
}

key_file two_keys() {
  auto out = some_key_file();
  out.next_server_key = coming;
  out.store = our_store;
  return out;
}

} // namespace

TEST_CASE("a server that has proven its key is believed what the next one is") {
  CHECK(after_hearing(some_key_file(), rotation()) == two_keys());
  CHECK(after_hearing(two_keys(), rotation()) == two_keys());
}

TEST_CASE("the next key is the only one when a connection has proven it") {
  auto news = rotation();
  news.proven = coming.key;
  auto after = after_hearing(two_keys(), news);
  CHECK(after.server_key == coming.key);
  CHECK_FALSE(after.next_server_key);
  CHECK(after.store == our_store);
}

TEST_CASE("a key that was learned is kept when the server says nothing of it") {
  CHECK(after_hearing(two_keys(), {some_key_file().server_key, our_store, {}}) == two_keys());
}

TEST_CASE("a client that missed the end of a rotation hears of the one after it") {
  messages::next_server_key second{std::string(40, 'm'), {1'900'000'000'000'000}};
  auto after = after_hearing(two_keys(), {coming.key, our_store, second});
  CHECK(after.server_key == coming.key);
  CHECK(after.next_server_key == second);
}

TEST_CASE("who has not proven the server's key, or has another store, plants no key") {
  for (const auto& proven : {std::string{}, std::string(40, 'x')})
    CHECK(after_hearing(some_key_file(), {proven, our_store, coming}) == some_key_file());
  messages::next_server_key planted{std::string(40, 'p'), {1'700'000'000'000'000}};
  CHECK(after_hearing(two_keys(), {some_key_file().server_key, "other", planted}) == two_keys());
}

TEST_CASE("what cannot stand in a key file is not believed") {
  auto proven = some_key_file().server_key;
  messages::next_server_key no_key{"short", coming.from};
  messages::next_server_key no_time{coming.key, {}};
  CHECK(after_hearing(some_key_file(), {proven, our_store, no_key}) == some_key_file());
  CHECK(after_hearing(some_key_file(), {proven, our_store, no_time}) == some_key_file());
  for (const auto* store : {"", "a\"\nrole: operator"})
    CHECK(after_hearing(some_key_file(), {proven, store, coming}) == some_key_file());
}

TEST_CASE("a key file follows the server's key") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some_key_file()));
  kept_key_file kept{*read_key_file(path)};
  CHECK(kept.next_in_file().empty());
  CHECK(kept.learn(rotation()).is_changed);
  CHECK(kept.next_in_file() == coming.key);
  CHECK_FALSE(kept.learn(rotation()).is_changed);
  CHECK(*read_key_file(path) == kept.content());
  auto news = rotation();
  news.proven = coming.key;
  CHECK(kept.learn(news).is_changed);
  CHECK(read_key_file(path)->server_key == coming.key);
  CHECK(kept.next_in_file().empty());
}

TEST_CASE("a key file that cannot be written is told of once, and tried again") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some_key_file()));
  kept_key_file kept{*read_key_file(path)};
  fs::rename(path, path + ".away");
  auto learned = kept.learn(rotation());
  CHECK(learned.is_changed);
  REQUIRE(learned.not_written);
  CHECK(learned.not_written->message.starts_with("the key file " + path + " cannot be"));
  CHECK(kept.content().next_server_key == coming);
  CHECK(kept.next_in_file().empty());
  CHECK_FALSE(kept.learn(rotation()).not_written);
  fs::rename(path + ".away", path);
  CHECK_FALSE(kept.learn(rotation()).is_changed);
  CHECK(kept.next_in_file() == coming.key);
  CHECK(read_key_file(path)->next_server_key == coming);
}

TEST_CASE("another key that was put in the file's place stays as it is") {
  key_directory keys;
  auto path = keys.file("web1.key");
  REQUIRE(write_key_file(path, some_key_file()));
  kept_key_file kept{*read_key_file(path)};
  auto other = some_key_file();
  other.public_key = std::string(40, 'o');
  REQUIRE(replace_key_file(path, other));
  CHECK_FALSE(kept.learn(rotation()).not_written);
  CHECK_FALSE(read_key_file(path)->next_server_key);
}
