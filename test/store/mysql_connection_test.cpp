#include "store/copy_store.hpp"
#include "store/error.hpp"
#include "store/mysql_connection.hpp"
#include "store/open_connection.hpp"
#include "test/store/failure_of.hpp"
#include "test/store/mariadb_database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <sys/stat.h>

using namespace deployminator;
using namespace deployminator::test;
using namespace std::chrono_literals;
using messages::failure_code;

namespace {

/// Why `f` fails, which says what to do.
messages::failure helpful_failure_of(const std::function<void()>& f) {
  auto why = failure_of(f);
  CHECK_FALSE(why.hint.empty());
  return why;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

messages::failure opening_refusal(const std::string& url, const std::string& password_file = {}) {
  return helpful_failure_of([&] { store::open_connection(url, password_file); });
}

/// A server of its own for what the shared one must not suffer.
struct own_server {
  mariadb_server server;
  std::string url = server.url("d");

  own_server() {
    order(server, "CREATE DATABASE d");
  }
  void restart(const std::vector<std::string>& arguments = {}) {
    server.end(SIGTERM);
    server.start(arguments);
  }
};

messages::change with_event(const std::string& text) {
  messages::change c;
  c.events.push_back({0, {1}, "", "", 0, messages::rollout_step{"placed", text}});
  return c;
}

/// Sets a global variable of the shared server while it lives.
class setting {
public:
  setting(const std::string& name, const std::string& value) : name_(name) {
    auto db = store::open_connection(shared_mariadb().url("mysql"), {});
    {
      store::rows found{*db, "SELECT @@GLOBAL." + name};
      REQUIRE(found.next());
      before_ = found.text(0);
    }
    store::run(*db, fmt::format("SET GLOBAL {} = {}", name, value));
    keeper_ = std::move(db);
  }
  setting(const setting&) = delete;
  setting& operator=(const setting&) = delete;
  ~setting() {
    store::run(*keeper_, fmt::format("SET GLOBAL {} = {}", name_, before_));
  }

private:
  std::string name_, before_;
  std::unique_ptr<store::connection> keeper_;
};

} // namespace

TEST_CASE("a server that would not keep what it acknowledged is refused in one sentence") {
  auto d = new_database();
  struct kind {
    std::string name, value, told;
  };
  for (const auto& each : std::vector<kind>{
         {"innodb_flush_log_at_trx_commit", "2", "may lose what it acknowledged"},
         {"innodb_flush_log_at_trx_commit", "0", "(innodb_flush_log_at_trx_commit = 0)"},
         {"read_only", "1", "is read-only (read_only = 1): it is a replica"},
         {"max_allowed_packet", "1048576", "takes too little at once"}}) {
    CAPTURE(each.name);
    setting changed{each.name, each.value};
    auto told = opening_refusal(d.url).message;
    CHECK(has(told, "the database " + d.name + " "));
    CHECK(has(told, each.told));
  }
}

TEST_CASE("a binary log that is not synced is refused") {
  own_server own;
  own.restart({"--log-bin=binlog", "--server-id=1", "--sync-binlog=0"});
  CHECK(has(opening_refusal(own.url).message, "sync_binlog = 0"));
  own.restart({"--log-bin=binlog", "--server-id=1", "--sync-binlog=1"});
  CHECK(opened(own.url)->begin_epoch());
}

TEST_CASE("tables that cannot be rolled back, or know no bytes, are refused") {
  auto d = new_database();
  REQUIRE(opened(d.url)->begin_epoch());
  store::run(*connection_to(d), "ALTER TABLE event ENGINE = Aria");
  auto s = store::open_store(d.url);
  REQUIRE_FALSE(s);
  CHECK(has(s.error().message, "has the table event as Aria"));
  store::run(*connection_to(d), "ALTER TABLE event ENGINE = InnoDB");
  store::run(*connection_to(d), "ALTER TABLE event CHARACTER SET latin1");
  CHECK(has(store::open_store(d.url).error().message, "latin1"));
}

TEST_CASE("who may not come in, and what is not there, is told") {
  auto d = new_database();
  order(shared_mariadb(),
        "CREATE USER IF NOT EXISTS keeper@'127.0.0.1' IDENTIFIED BY 'it''s secret'");
  order(shared_mariadb(),
        fmt::format("GRANT ALL ON {}.* TO keeper@'127.0.0.1'", d.url.substr(d.url.rfind('/') + 1)));
  auto url = d.url;
  url.replace(url.find("root@"), 5, "keeper@");
  temporary_directory directory;
  auto file = directory.file("password");
  CHECK(has(opening_refusal(url).message, "does not let us in"));
  CHECK(has(opening_refusal(url, file).message, file + " with the store's password"));
  std::ofstream{file} << "wrong\n";
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CHECK(has(opening_refusal(url, file).message, "can be read by everybody"));
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  auto wrong = opening_refusal(url, file);
  CHECK(has(wrong.message, "does not let us in"));
  CHECK_FALSE(has(wrong.message, "wrong"));
  std::ofstream{file} << "it's secret\n";
  CHECK((*store::open_store(url, file))->begin_epoch());
  CHECK(opening_refusal(shared_mariadb().url("nowhere")).code == failure_code::not_found);
  CHECK(opening_refusal("mysql://root@127.0.0.1:1/d").code == failure_code::unreachable);
}

TEST_CASE("a connection is encrypted where that is asked for, or is none") {
  own_server own;
  auto required = own.url + "?tls=required";
  CHECK(has(opening_refusal(required).message, "its server does not offer TLS"));
  auto certificate = own.server.file("run/cert.pem"), key = own.server.file("run/key.pem");
  auto make = fmt::format("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
                          "-addext subjectAltName=IP:127.0.0.1 -keyout {} -out {} 2>/dev/null; "
                          "chmod 644 {}",
                          key, certificate, key);
  REQUIRE(std::system(make.c_str()) == 0);
  own.restart({"--ssl-cert=" + certificate, "--ssl-key=" + key});
  auto cipher = [&](const std::string& url) {
    auto db = store::open_connection(url, {});
    store::rows found{*db, "SHOW SESSION STATUS LIKE 'Ssl_cipher'"};
    REQUIRE(found.next());
    return found.text(1);
  };
  CHECK(cipher(own.url).empty());
  CHECK_FALSE(cipher(required).empty());
  CHECK_FALSE(cipher(required + "&ca=" + certificate).empty());
  CHECK(has(opening_refusal(required + "&ca=/etc/ssl/certs/ca-certificates.crt").message,
            "cannot be reached over TLS"));
}

TEST_CASE("a store is copied however long one database waits for the other") {
  auto from = new_database();
  {
    auto s = store::open_store(from.url);
    REQUIRE(s);
    REQUIRE((*s)->begin_epoch());
    REQUIRE((*s)->commit(1, with_event("slow")));
  }
  auto to = new_database();
  REQUIRE(store::open_store(to.url));
  {
    auto db = store::open_connection(to.url, {});
    store::run(*db, "CREATE TRIGGER slow BEFORE INSERT ON event FOR EACH ROW DO SLEEP(5)");
  }
  auto copied = store::copy_store(from.url, to.url, {});
  CHECK((copied ? std::string{} : copied.error().message).empty());
  store::run(*store::open_connection(to.url, {}), "DROP TRIGGER slow");
}

TEST_CASE("no program that is started inherits the connection") {
  auto db = store::open_connection(new_database().url, {});
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    auto fd = std::stoi(each.path().filename().string());
    struct stat known {};
    if (fd > 2 && ::fstat(fd, &known) == 0 && S_ISSOCK(known.st_mode))
      CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("a store whose database was away refuses, and works again when it is back") {
  own_server own;
  auto s = opened(own.url);
  REQUIRE(s->begin_epoch());
  REQUIRE(s->commit(1, with_event("one")));
  for (auto how : {SIGTERM, SIGKILL}) {
    own.server.end(how);
    auto refused = s->commit(2, with_event("two"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == failure_code::unreachable);
    CHECK(has(refused.error().message, "cannot be reached"));
    CHECK_FALSE(s->load());
    CHECK_FALSE(s->renew_lead());
    CHECK_FALSE(s->events_after(0, 10));
    own.server.start();
    CHECK(s->renew_lead());
    CHECK(s->load()->last_event == 1);
    CHECK(s->events_after(0, 10)->size() == 1);
  }
  CHECK(*s->commit(2, with_event("two")) == 2);
}

TEST_CASE("a database that was started again between two changes goes unnoticed") {
  own_server own;
  auto s = opened(own.url);
  REQUIRE(s->begin_epoch());
  for (std::uint64_t number = 1; number <= 3; ++number) {
    CHECK(*s->commit(number, with_event("x")) == number);
    own.restart();
  }
  CHECK(s->events_after(0, 10)->size() == 3);
}

TEST_CASE("a transaction whose connection is lost in its midst is not made in part") {
  own_server own;
  auto db = store::open_connection(own.url, {});
  store::run(*db, "CREATE TABLE t (i BIGINT) ENGINE = InnoDB");
  {
    store::transaction half{*db};
    store::run(*db, "INSERT INTO t VALUES (1)");
    own.restart();
    // It would be committed at once on a new connection.
    CHECK(helpful_failure_of([&] { store::run(*db, "INSERT INTO t VALUES (2)"); }).code
          == failure_code::unreachable);
    CHECK(helpful_failure_of([&] { store::run(*db, "INSERT INTO t VALUES (3)"); }).code
          == failure_code::unreachable);
    CHECK(helpful_failure_of([&] { half.commit(); }).code == failure_code::unreachable);
  }
  CHECK_FALSE(store::rows{*db, "SELECT i FROM t"}.next());
  store::transaction whole{*db};
  store::run(*db, "INSERT INTO t VALUES (4)");
  whole.commit();
  CHECK(store::rows{*db, "SELECT i FROM t"}.next());
}

TEST_CASE("a commit whose answer is lost says so") {
  own_server own;
  auto db = store::open_connection(own.url, {});
  store::run(*db, "CREATE TABLE t (i BIGINT) ENGINE = InnoDB");
  store::transaction one{*db};
  store::run(*db, "INSERT INTO t VALUES (1)");
  own.server.end(SIGKILL);
  CHECK(has(helpful_failure_of([&] { one.commit(); }).message, "whether it did will show"));
  own.server.start();
}

TEST_CASE("a database that does not answer is given up in time, and used again when it does") {
  own_server own;
  auto at = *store::mysql_address_of(own.url);
  auto db = store::open_mysql(at, {}, {1s, 1s});
  own.server.freeze();
  auto begun = std::chrono::steady_clock::now();
  CHECK(helpful_failure_of([&] {
          store::rows{*db, "SELECT 1"}.next();
        }).code
        == failure_code::unreachable);
  CHECK(helpful_failure_of([&] {
          store::rows{*db, "SELECT 1"}.next();
        }).code
        == failure_code::unreachable);
  CHECK(std::chrono::steady_clock::now() - begun < 8s);
  own.server.go_on();
  CHECK(store::rows{*db, "SELECT 1"}.next());
}

TEST_CASE("a change that was in another's way is made when that is over") {
  auto d = new_database();
  auto s = opened(d.url);
  REQUIRE(s->begin_epoch());
  auto other = connection_to(d);
  std::promise<void> locked;
  std::thread holder{[&] {
    store::transaction open{*other};
    store::run(*other, "UPDATE meta SET last_event = last_event WHERE id = 1");
    locked.set_value();
    std::this_thread::sleep_for(200ms);
  }};
  locked.get_future().wait();
  CHECK(*s->commit(1, with_event("waits")) == 1);
  holder.join();
}

TEST_CASE("two that wait for each other both get there") {
  auto d = new_database();
  auto one = connection_to(d), two = connection_to(d);
  store::run(*one, "CREATE TABLE t (i BIGINT PRIMARY KEY, n BIGINT) ENGINE = InnoDB");
  store::run(*one, "INSERT INTO t VALUES (1, 0), (2, 0)");
  auto lock
    = [](store::connection& db, int i) { store::run(db, "UPDATE t SET n = n + 1 WHERE i = ?", i); };
  store::transaction first{*one};
  lock(*one, 1);
  store::transaction second{*two};
  lock(*two, 2);
  auto helps = store::remedy::none;
  auto cross = [&](store::connection& db, int i) {
    try {
      lock(db, i);
    } catch (const store::store_error& e) {
      helps = e.helps();
      db.rollback();
    }
  };
  std::thread waits{[&] { cross(*one, 2); }};
  cross(*two, 1);
  two->rollback();
  waits.join();
  // One of the two was told that it may try again.
  CHECK(helps == store::remedy::again);
}

TEST_CASE("a migration waits for another server's") {
  auto d = new_database();
  auto one = connection_to(d);
  auto other = connection_to(d);
  std::promise<void> locked;
  bool is_over = false;
  std::thread holder{[&] {
    store::transaction open{*one, store::scope::schema};
    locked.set_value();
    std::this_thread::sleep_for(200ms);
    is_over = true;
    open.commit();
  }};
  locked.get_future().wait();
  store::transaction waits{*other, store::scope::schema};
  CHECK(is_over);
  holder.join();
}
