#include "agent/linux/curl_downloader.hpp"
#include "agent/linux/sha256.hpp"
#include "test/agent/linux/http_server.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>

#include <sys/resource.h>
#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;
using deployminator::messages::failure_code;
using fetched = deployminator::messages::result<artifact>;

namespace {

std::string hash_of(const std::string& text) {
  sha256 digest;
  digest.add(text.data(), text.size());
  return digest.hex();
}

/// Bytes that differ from place to place.
std::string some_bytes(std::size_t size) {
  std::string out(size, 0);
  std::uint32_t x = 12345;
  for (auto& c : out) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return out;
}

struct farm {
  scratch root;
  download_config config;
  arrivals<download_progress> progress;
  arrivals<fetched> done;
  std::unique_ptr<curl_downloader> downloads;

  farm() {
    unsetenv("http_proxy");
    config.cache = root / "cache";
    config.backoff = 20ms;
    config.most_wait = 100ms;
    config.most_asked = 300ms;
    config.stall = 1s;
    config.connect_timeout = 2s;
    config.progress_every = 50ms;
    mkdir(config.cache.c_str(), 0700);
    mkdir((root / "www").c_str(), 0755);
  }

  void start() {
    downloads = std::make_unique<curl_downloader>(config);
  }

  void begin(const download_order& order) {
    if (!downloads)
      start();
    downloads->start(
      order, [this](download_progress p) { progress.put(p); },
      [this](fetched o) { done.put(std::move(o)); });
  }

  fetched fetch(const std::string& url, const std::string& hash = "") {
    begin({"key", url, "", "", hash});
    return done.next();
  }

  /// What stands in the way of a download after so many attempts; it goes on all the same until it
  /// is cancelled.
  std::string problem_of(const std::string& url, int attempts) {
    begin({"key", url, "", "", ""});
    auto tried = " (tried " + std::to_string(attempts) + " times)";
    std::string out;
    while (out.find(tried) == std::string::npos)
      out = progress.next().problem;
    CHECK(done.empty());
    downloads->cancel("key");
    CHECK_FALSE(done.next());
    return out;
  }

  std::string failure_of(const std::string& url, const std::string& hash = "") {
    auto outcome = fetch(url, hash);
    REQUIRE_FALSE(outcome);
    return outcome.error().message;
  }

  void serve(const std::string& name, const std::string& bytes) {
    write(root / ("www/" + name), bytes);
  }
  std::string partial() const {
    return config.cache + "/partial/key";
  }
};

/// What was told, up to the last.
std::vector<download_progress> all(arrivals<download_progress>& progress) {
  std::vector<download_progress> out;
  while (!progress.empty())
    out.push_back(progress.next());
  return out;
}

/// What is there when `to` takes the place of `from`, of which a part had come, at a server that
/// behaves as `query` says.
std::string content_after_change(farm& f, const std::string& from, const std::string& to,
                                 const std::string& query) {
  f.serve("app", from);
  http_server server{f.root / "www"};
  auto url = server.url("app?stall-at=200000&stall-times=1&" + query);
  f.begin({"key", url, "", "", ""});
  REQUIRE(eventually([&] {
    std::error_code none;
    return std::filesystem::file_size(f.partial(), none) == 200'000;
  }));
  f.downloads.reset();
  CHECK_FALSE(f.done.next());
  f.serve("app", to);
  auto got = f.fetch(url);
  REQUIRE(got);
  return content(got->path);
}

} // namespace

TEST_CASE("bytes of another file are not joined though the server answers the range all the same") {
  farm f;
  auto to = std::string(300'000, 'y');
  SUBCASE("and says so by its ETag") {
    CHECK((content_after_change(f, some_bytes(300'000), to, "ignore-if-range=1") == to));
  }
  SUBCASE("and does not say what it is") {
    CHECK((content_after_change(f, some_bytes(300'000), to, "no-validators=1") == to));
  }
  SUBCASE("and tells by the date only") {
    // Both changed within one second.
    CHECK((content_after_change(f, some_bytes(300'000), to, "no-etag=1&ignore-if-range=1") == to));
  }
  SUBCASE("and tells by the size only") {
    to.resize(310'000, 'z');
    CHECK((content_after_change(f, some_bytes(300'000), to, "no-validators=1") == to));
  }
}

TEST_CASE("a range that ends early is no whole file") {
  farm f;
  auto bytes = some_bytes(200'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?break-at=150000&break-times=1&most-of-range=20000"));
  REQUIRE(got);
  CHECK((content(got->path) == bytes));
}

TEST_CASE("bytes beyond what was announced belong to no file and to no later answer") {
  farm f;
  auto bytes = some_bytes(50'000);
  f.serve("app", bytes);
  f.serve("next", "of its own");
  http_server server{f.root / "www", "--excess 5000"};
  auto got = f.fetch(server.url("app"));
  REQUIRE(got);
  CHECK((content(got->path) == bytes));
  auto next = f.fetch(server.url("next"));
  REQUIRE(next);
  CHECK(content(next->path) == "of its own");
  auto rest = f.fetch(server.url("app?break-at=20000&break-times=1&no-range-length=1"));
  REQUIRE(rest);
  CHECK((content(rest->path) == bytes));
}

TEST_CASE("a file comes into the cache under its hash, with progress on the way") {
  farm f;
  auto bytes = some_bytes(300'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?rate=1000000"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
  CHECK(got->size == bytes.size());
  CHECK(got->path == f.config.cache + "/" + got->sha256);
  CHECK((content(got->path) == bytes));
  auto told = all(f.progress);
  REQUIRE(told.size() >= 3);
  CHECK(told.front().bytes < bytes.size());
  CHECK(told.back().bytes == bytes.size());
  CHECK(told.back().total == bytes.size());
  CHECK(told.back().bytes_per_second > 200'000);
  CHECK(told.back().bytes_per_second < 3'000'000);
  CHECK(told.size() < 20);
  CHECK_FALSE(std::filesystem::exists(f.partial()));

  // Cached now: the server is not asked again.
  server.stop();
  auto again = f.fetch(server.url("app"), hash_of(bytes));
  REQUIRE(again);
  CHECK(again->cached);
  CHECK_FALSE(got->cached);
  CHECK(all(f.progress).empty());
}

TEST_CASE("local files are fetched by name and by file URL") {
  farm f;
  write(f.root / "a b", "local");
  auto by_name = f.fetch(f.root / "a b");
  REQUIRE(by_name);
  CHECK(by_name->sha256 == hash_of("local"));
  CHECK(f.fetch("file://" + (f.root / "a%20b")));
  CHECK(f.failure_of(f.root / "missing")
        == "cannot fetch " + (f.root / "missing") + ": No such file or directory");
  CHECK(f.failure_of("/dev/zero") == "cannot fetch /dev/zero: it is not a regular file");
  CHECK(f.failure_of("ftp://x/y?z")
        == "cannot fetch ftp://x/y: expected an http, https or file URL, or an absolute file name");
}

TEST_CASE("a file without a known length is fetched") {
  farm f;
  auto bytes = some_bytes(100'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?no-content-length=1"), hash_of(bytes));
  REQUIRE(got);
  CHECK(got->size == bytes.size());
}

TEST_CASE("a connection that breaks off is resumed where it broke") {
  farm f;
  auto bytes = some_bytes(200'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?break-at=150000&break-times=1"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
  auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].find("bytes=150000-") != std::string::npos);
  CHECK(requests[1].find("206") != std::string::npos);
}

TEST_CASE("a server that ignores ranges is read from the beginning again") {
  farm f;
  auto bytes = some_bytes(200'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?break-at=150000&break-times=1&ignore-range=1"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
}

TEST_CASE("a server that answers with another range is asked for the whole") {
  farm f;
  auto bytes = some_bytes(200'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?break-at=150000&break-times=1&wrong-range=1"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
}

TEST_CASE("a connection that always breaks off is tried again, and says why") {
  farm f;
  f.serve("app", some_bytes(200'000));
  http_server server{f.root / "www"};
  CHECK(f.problem_of(server.url("app?break-at=1000&ignore-range=1&token=secret"), 3)
        == "cannot fetch " + server.url("app")
             + ": the connection broke off after 1000 of 200000 bytes (tried 3 times)");
}

TEST_CASE("a stall is ended and resumed") {
  farm f;
  auto bytes = some_bytes(200'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto got = f.fetch(server.url("app?stall-at=150000&stall-times=1"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
}

TEST_CASE("a restarted agent goes on with what an earlier one received") {
  farm f;
  auto bytes = some_bytes(400'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  f.begin({"key", server.url("app?rate=400000"), "", "", ""});
  REQUIRE(eventually([&] {
    std::error_code none;
    auto size = std::filesystem::file_size(f.partial(), none);
    return !none && size > 100'000;
  }));
  f.downloads.reset();
  auto ended = f.done.next();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message == "cannot fetch " + server.url("app") + ": it was cancelled");
  auto had = std::filesystem::file_size(f.partial());
  all(f.progress);
  auto got = f.fetch(server.url("app?rate=400000"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(bytes));
  CHECK(all(f.progress).front().bytes >= had);
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[1].find("bytes=" + std::to_string(had) + "-") != std::string::npos);
}

TEST_CASE("a file that changed meanwhile is not patched together") {
  farm f;
  f.serve("app", some_bytes(300'000));
  http_server server{f.root / "www"};
  f.begin({"key", server.url("app?stall-at=200000&stall-times=1"), "", "", ""});
  REQUIRE(eventually([&] {
    std::error_code none;
    return std::filesystem::file_size(f.partial(), none) == 200'000;
  }));
  f.downloads.reset();
  CHECK_FALSE(f.done.next());
  auto changed = std::string(250'000, 'y');
  f.serve("app", changed);
  auto got = f.fetch(server.url("app?stall-at=200000&stall-times=1"));
  REQUIRE(got);
  CHECK(got->sha256 == hash_of(changed));
}

TEST_CASE("a partial file that is longer than the whole is thrown away") {
  farm f;
  auto bytes = some_bytes(1'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto url = server.url("app");
  mkdir((f.config.cache + "/partial").c_str(), 0700);
  write(f.partial(), std::string(5'000, 'x'));
  write(f.partial() + ".note", hash_of(url) + "\n");
  auto got = f.fetch(url, hash_of(bytes));
  REQUIRE(got);
  CHECK((content(got->path) == bytes));
}

TEST_CASE("damaged leftovers are fetched again, since the hash tells") {
  farm f;
  auto bytes = some_bytes(10'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto url = server.url("app");
  mkdir((f.config.cache + "/partial").c_str(), 0700);
  write(f.partial(), std::string(5'000, 'x'));
  write(f.partial() + ".note", hash_of(url) + "\n");
  CHECK(f.fetch(url, hash_of(bytes)));
}

TEST_CASE("a wrong hash is a failure that names both, and leaves nothing") {
  farm f;
  f.serve("app", "other bytes");
  http_server server{f.root / "www"};
  auto expected = std::string(64, 'a');
  auto outcome = f.fetch(server.url("app"), expected);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == failure_code::mismatch);
  CHECK(outcome.error().message
        == "cannot fetch " + server.url("app") + ": its SHA-256 is " + hash_of("other bytes")
             + ", expected " + expected);
  CHECK_FALSE(std::filesystem::exists(f.partial()));
  CHECK_FALSE(std::filesystem::exists(f.config.cache + "/" + hash_of("other bytes")));
}

TEST_CASE("what no retry can mend fails at once, what one may mend is tried again") {
  farm f;
  http_server server{f.root / "www"};
  auto missing = f.fetch(server.url("missing"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == failure_code::not_found);
  CHECK(missing.error().message
        == "cannot fetch " + server.url("missing") + ": the server answers 404 Not Found");
  CHECK(server.requests().size() == 1);
  CHECK(f.problem_of(server.url("x?status=503"), 3)
        == "cannot fetch " + server.url("x")
             + ": the server answers 503 Service Unavailable (tried 3 times)");
  auto port = server.port();
  server.stop();
  CHECK(f.problem_of(fmt::format("http://u:secret@127.0.0.1:{}/app?token=t", port), 7)
        == fmt::format("cannot fetch http://127.0.0.1:{}/app: its host refuses the connection or "
                       "is away (tried 7 times); see that it runs, and that no firewall is between",
                       port));
}

TEST_CASE("a server that is busy for a while is asked again until it is not") {
  farm f;
  f.serve("app", "x");
  http_server server{f.root / "www"};
  for (int status : {429, 500, 503})
    CHECK(f.fetch(server.url(fmt::format("app?status={}&status-times=7", status))));
}

TEST_CASE("a server that names a time is left alone for so long, within bounds") {
  farm f;
  f.serve("app", "x");
  http_server server{f.root / "www"};
  auto begun = std::chrono::steady_clock::now();
  CHECK(f.fetch(server.url("app?status=503&status-times=1&retry-after=1000")));
  CHECK(std::chrono::steady_clock::now() - begun >= 300ms);
}

TEST_CASE("partial files stay as long as somebody may want them, and no longer") {
  farm f;
  f.serve("app", some_bytes(100'000));
  http_server server{f.root / "www"};
  f.begin({"key", server.url("app?stall-at=50000"), "", "", ""});
  REQUIRE(eventually([&] { return std::filesystem::exists(f.partial() + ".note"); }));
  write(f.config.cache + "/partial/v1-dead", "x");
  write(f.config.cache + "/partial/v1-dead.note", "x");
  write(f.config.cache + "/partial/v2-alive", "x");
  f.downloads->keep_partial({"v2-alive"});
  REQUIRE(
    eventually([&] { return !std::filesystem::exists(f.config.cache + "/partial/v1-dead"); }));
  // One that is on its way stays until it ends.
  CHECK(std::filesystem::exists(f.partial()));
  f.downloads->cancel("key");
  CHECK_FALSE(f.done.next());
  f.downloads.reset();
  CHECK_FALSE(std::filesystem::exists(f.partial()));
  CHECK_FALSE(std::filesystem::exists(f.partial() + ".note"));
  CHECK_FALSE(std::filesystem::exists(f.config.cache + "/partial/v1-dead.note"));
  CHECK(std::filesystem::exists(f.config.cache + "/partial/v2-alive"));
}

TEST_CASE("user and password are sent to who asks for them, and never shown") {
  farm f;
  f.serve("app", "x");
  http_server server{f.root / "www", "--user ci:secret"};
  auto refused = f.fetch(server.url("app"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message
        == "cannot fetch " + server.url("app") + ": the server answers 401 Unauthorized");
  f.begin({"key", server.url("app"), "ci", "secret", ""});
  CHECK(f.done.next());
}

TEST_CASE("a bearer token is sent to who asks for it") {
  farm f;
  f.serve("app", "x");
  http_server server{f.root / "www", "--bearer secret"};
  CHECK_FALSE(f.fetch(server.url("app")));
  f.begin({"key", server.url("app"), "", "", "", "secret"});
  CHECK(f.done.next());
}

TEST_CASE("users and passwords of the machine's own are used where an order has none") {
  farm f;
  f.config.netrc = f.root / "netrc";
  write(f.config.netrc, "machine 127.0.0.1 login ci password secret\n");
  f.serve("app", "x");
  http_server server{f.root / "www", "--user ci:secret"};
  CHECK(f.fetch(server.url("app")));
  f.begin({"key", server.url("app"), "ci", "wrong", ""});
  CHECK_FALSE(f.done.next());
}

TEST_CASE("a page that asks for a login, and nothing at all, are no artifacts") {
  farm f;
  f.serve("login", "\n<!DOCTYPE html><title>Log in</title>");
  f.serve("empty", "");
  http_server server{f.root / "www"};
  CHECK(
    f.failure_of(server.url("login"))
    == "cannot fetch " + server.url("login")
         + ": a page of HTML came where an archive or a program is expected, such as those that "
           "ask for a login");
  auto hash = std::string(64, 'a');
  CHECK(f.failure_of(server.url("login"), hash).find("a page of HTML") != std::string::npos);
  CHECK(f.failure_of(server.url("empty"))
        == "cannot fetch " + server.url("empty") + ": it is empty");
  CHECK_FALSE(std::filesystem::exists(f.partial()));
  // What was asked for by its hash is what was meant.
  CHECK(f.fetch(server.url("empty"), hash_of("")));
}

TEST_CASE("a proxy that is in the way is named, without its password") {
  farm f;
  http_server proxy{f.root / "www", "--status 407"};
  auto through = [&](int port) {
    setenv("http_proxy", fmt::format("http://me:secret@127.0.0.1:{}", port).c_str(), 1);
  };
  through(proxy.port());
  CHECK(f.failure_of("http://builds.invalid/app")
        == fmt::format("cannot fetch http://builds.invalid/app: the proxy answers 407 Proxy "
                       "Authentication Required, through the proxy 127.0.0.1:{} (http_proxy)",
                       proxy.port()));
  proxy.stop();
  CHECK(f.problem_of("http://builds.invalid/app", 2)
        == fmt::format("cannot fetch http://builds.invalid/app: nothing accepts the connection, "
                       "through the proxy 127.0.0.1:{} (http_proxy) (tried 2 times); see that it "
                       "runs, and that no firewall is between",
                       proxy.port()));
  unsetenv("http_proxy");
}

TEST_CASE("what was changed in the cache is fetched again") {
  farm f;
  auto bytes = some_bytes(9'000'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto url = server.url("app");
  auto got = f.fetch(url, hash_of(bytes));
  REQUIRE(got);
  SUBCASE("while the agent runs") {}
  SUBCASE("while there was none") {
    f.downloads.reset();
  }
  auto other = bytes;
  other.back() ^= 1;
  write(got->path, other);
  REQUIRE(f.fetch(url, hash_of(bytes)));
  CHECK((content(got->path) == bytes));
  CHECK(server.requests().size() == 2);
}

TEST_CASE("what is in the cache unchanged is used, also by the next agent") {
  farm f;
  auto bytes = some_bytes(9'000'000);
  f.serve("app", bytes);
  http_server server{f.root / "www"};
  auto url = server.url("app");
  auto got = f.fetch(url, hash_of(bytes));
  REQUIRE(got);
  // As the launcher does, for a program that is not copied.
  REQUIRE(link(got->path.c_str(), (f.root / "instance").c_str()) == 0);
  for (int n = 0; n < 2; ++n) {
    REQUIRE(f.fetch(url, hash_of(bytes)));
    f.downloads.reset();
    REQUIRE(f.fetch(url, hash_of(bytes)));
  }
  CHECK(server.requests().size() == 1);
}

TEST_CASE("redirects are followed to http, not into this machine's files") {
  farm f;
  f.serve("app", "x");
  http_server server{f.root / "www"};
  CHECK(f.fetch(server.url("old?redirect=/app")));
  CHECK(f.failure_of(server.url("trap?redirect=file:///etc/hostname"))
        == "cannot fetch " + server.url("trap")
             + ": it redirects to something other than http or https");
  CHECK(f.failure_of(server.url("loop?redirect=/loop%3Fredirect%3D/loop"))
          .find("cannot fetch " + server.url("loop"))
        == 0);
}

TEST_CASE("an artifact beyond the limit is refused, whatever the server announces") {
  farm f;
  f.config.most_bytes = 50'000;
  f.serve("app", some_bytes(60'000));
  http_server server{f.root / "www"};
  CHECK(f.failure_of(server.url("app?no-content-length=1"))
        == "cannot fetch " + server.url("app")
             + ": it is larger than the 48.8 KiB that are allowed");
  CHECK_FALSE(std::filesystem::exists(f.partial()));
}

TEST_CASE("a full disk is said in one sentence that names the file") {
  if (geteuid() != 0) {
    MESSAGE("skipped: a small file system can be mounted by root only");
    return;
  }
  farm f;
  REQUIRE(std::system(("mount -t tmpfs -o size=200k none " + f.config.cache).c_str()) == 0);
  f.serve("app", some_bytes(500'000));
  {
    http_server server{f.root / "www"};
    CHECK(f.failure_of(server.url("app?no-content-length=1"))
          == "cannot write " + f.partial() + ": No space left on device");
    CHECK(f.failure_of(server.url("app")).find("488.3 KiB to come") != std::string::npos);
    CHECK(f.failure_of(f.root / "www/app")
          == "cannot write " + f.partial() + ": No space left on device");
    CHECK_FALSE(std::filesystem::exists(f.partial()));
  }
  f.downloads.reset();
  REQUIRE(std::system(("umount " + f.config.cache).c_str()) == 0);
}

TEST_CASE("a quota or limit on files is said too, and the agent lives on") {
  farm f;
  f.start();
  f.serve("app", some_bytes(500'000));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto small = before;
  small.rlim_cur = 100'000;
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  auto why = f.failure_of(f.root / "www/app");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(why == "cannot write " + f.partial() + ": File too large");
}

TEST_CASE("several listeners share one download, and a cancel ends it for all") {
  farm f;
  f.serve("app", some_bytes(100'000));
  http_server server{f.root / "www"};
  download_order order{"key", server.url("app?stall-at=50000"), "", "", ""};
  f.begin(order);
  f.begin(order);
  REQUIRE(eventually([&] {
    std::error_code none;
    return std::filesystem::file_size(f.partial(), none) == 50'000;
  }));
  CHECK(server.requests().size() == 1);
  f.downloads->cancel("key");
  for (int n = 0; n < 2; ++n)
    CHECK(f.done.next().error().code == failure_code::refused);
  CHECK(std::filesystem::file_size(f.partial()) == 50'000);
}

TEST_CASE("the cache keeps what was used last, and what was used just now in any case") {
  farm f;
  f.config.most_cached = 250;
  f.config.protected_for = 0s;
  std::vector<std::string> paths;
  for (char c : {'a', 'b', 'c'}) {
    write(f.root / "src", std::string(100, c));
    if (c == 'c') {
      // `a` is used again, so `b` is the oldest.
      CHECK(f.fetch("/nowhere", hash_of(std::string(100, 'a'))));
    }
    auto got = f.fetch(f.root / "src");
    REQUIRE(got);
    paths.push_back(got->path);
  }
  CHECK(std::filesystem::exists(paths[0]));
  CHECK_FALSE(std::filesystem::exists(paths[1]));
  CHECK(std::filesystem::exists(paths[2]));
  f.downloads.reset();
  f.config.protected_for = 600s;
  write(f.root / "src", std::string(200, 'd'));
  CHECK(f.fetch(f.root / "src"));
  CHECK(std::filesystem::exists(paths[0]));
  CHECK(std::filesystem::exists(paths[2]));
}
