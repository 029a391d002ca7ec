#include "agent/linux/partial_file.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

std::string sha256_of(const std::string& text) {
  sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

/// A cache with one download on its way.
struct partial_bench {
  scratch root;
  artifact_cache cache{root.path, 1 << 20, 10min};

  partial_file file(const std::string& url = "http://x/a") {
    return {cache, "key", url};
  }

  /// An attempt that broke off after `text`.
  void leave(const std::string& text, const std::string& validator) {
    auto broken = file();
    REQUIRE(broken.create());
    broken.come_from(validator);
    REQUIRE(broken.append(text.data(), text.size()));
  }

  /// How many bytes another attempt can go on with.
  std::uint64_t resumed(partial_file& another, bool hash_is_known) {
    auto ready = another.resume(hash_is_known);
    while (ready && !*ready)
      ready = another.rehash();
    REQUIRE(ready);
    return another.bytes();
  }
};

} // namespace

TEST_CASE_FIXTURE(partial_bench, "what came whole is an artifact, and nothing else is left") {
  auto whole = file();
  REQUIRE(whole.create());
  whole.come_from("\"tag\"");
  REQUIRE(whole.append("hel", 3));
  REQUIRE(whole.append("lo", 2));
  CHECK(whole.bytes() == 5);
  auto hash = whole.take_hash();
  CHECK(hash == sha256_of("hello"));
  auto done = whole.complete(hash);
  REQUIRE(done);
  CHECK(content(done->path) == "hello");
  CHECK(std::filesystem::is_empty(root / "partial"));
}

TEST_CASE_FIXTURE(partial_bench, "what an earlier attempt received is gone on with") {
  leave("hel", "\"tag\"");
  auto another = file();
  CHECK(resumed(another, false) == 3);
  CHECK(another.validator() == "\"tag\"");
  CHECK_FALSE(another.is_patched());
  another.go_on();
  CHECK(another.is_patched());
  REQUIRE(another.append("lo", 2));
  CHECK(another.take_hash() == sha256_of("hello"));
}

TEST_CASE_FIXTURE(partial_bench, "what may not belong to the rest is thrown away") {
  SUBCASE("of another source") {
    leave("hel", "\"tag\"");
    auto other = file("http://x/b");
    CHECK(resumed(other, true) == 0);
  }
  SUBCASE("without anything that tells") {
    leave("hel", "");
    auto another = file();
    CHECK(resumed(another, false) == 0);
  }
  CHECK(std::filesystem::file_size(root / "partial/key") == 0);
}

TEST_CASE_FIXTURE(partial_bench, "where the hash is known that tells in the end") {
  leave("hel", "");
  auto another = file();
  CHECK(resumed(another, true) == 3);
}

TEST_CASE_FIXTURE(partial_bench, "what this attempt received itself is not hashed twice") {
  auto again = file();
  REQUIRE(again.create());
  again.come_from("\"tag\"");
  REQUIRE(again.append("hel", 3));
  auto ready = again.resume(false);
  REQUIRE(ready);
  CHECK(*ready);
  CHECK(again.bytes() == 3);
}

TEST_CASE_FIXTURE(partial_bench, "a source that begins anew leaves nothing of the old") {
  leave("hello", "\"tag\"");
  auto another = file();
  resumed(another, false);
  another.go_on();
  REQUIRE(another.start_over());
  CHECK_FALSE(another.is_patched());
  CHECK(another.validator().empty());
  REQUIRE(another.append("bye", 3));
  CHECK(another.take_hash() == sha256_of("bye"));
  CHECK(content(another.path()) == "bye");
}

TEST_CASE_FIXTURE(partial_bench, "what is discarded is gone with its note, and can begin anew") {
  leave("hel", "\"tag\"");
  auto another = file();
  resumed(another, false);
  another.discard();
  CHECK(std::filesystem::is_empty(root / "partial"));
  CHECK(resumed(another, true) == 0);
}
