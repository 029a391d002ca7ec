#include "agent/linux/publications.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

namespace fs = std::filesystem;

/// A machine whose instances are laid out by hand.
struct site {
  scratch temp;
  directories where = directories_below(temp.path);
  std::string root = temp / "www";
  std::string link = root + "/shop/site";
  publications all{where, root};

  site() {
    fs::create_directories(where.instances());
    fs::create_directories(root);
  }

  void lay_out(const std::string& id) const {
    fs::create_directories(where.home(id) + "/deep");
    write(where.home(id) + "/index.html", id);
    write(where.home(id) + "/deep/secret", id);
    fs::permissions(where.home(id) + "/deep/secret", fs::perms::owner_read);
    fs::permissions(where.home(id) + "/deep", fs::perms::owner_all);
    fs::permissions(where.home(id), fs::perms::owner_all);
    write(where.instance(id) + "/unpacked", content("/proc/sys/kernel/random/boot_id"));
  }
  [[nodiscard]] static publication as(const std::string& application, const std::string& path,
                                      const std::string& sha256 = "abc") {
    return {application, path, sha256};
  }
  auto publish(const std::string& id, const std::string& sha256 = "abc") {
    return all.publish(id, as("ns/group/app", link, sha256));
  }
  /// Publishes, and returns why that was refused.
  std::string refusal(const std::string& id, const publication& what) {
    auto done = all.publish(id, what);
    return done ? "" : done.error().message;
  }
  [[nodiscard]] std::string shown() const {
    return content(link + "/index.html");
  }
  /// As the next agent finds it.
  [[nodiscard]] found_instance found(const std::string& id) const {
    found_instance out;
    out.id = id;
    publications{where, root}.complete(out);
    return out;
  }
};

bool can_be_read_by_all(const std::string& path) {
  return (fs::status(path).permissions() & fs::perms::others_read) != fs::perms::none;
}

} // namespace

TEST_CASE("a path leads to what was published last, which everybody can read") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  REQUIRE(s.publish("one"));
  CHECK(s.shown() == "one");
  CHECK(fs::is_symlink(s.link));
  CHECK(can_be_read_by_all(s.where.home("one")));
  CHECK(can_be_read_by_all(s.where.home("one") + "/deep"));
  CHECK(can_be_read_by_all(s.where.home("one") + "/deep/secret"));
  REQUIRE(s.publish("two"));
  CHECK(s.shown() == "two");
}

TEST_CASE("nobody else can change what is published, and what is as it should be is not touched") {
  site s;
  s.lay_out("one");
  fs::permissions(s.where.home("one") + "/index.html", fs::perms::all);
  write(s.where.home("one") + "/served", "");
  fs::permissions(s.where.home("one") + "/served", fs::perms{0644});
  struct stat before {};
  REQUIRE(stat((s.where.home("one") + "/served").c_str(), &before) == 0);
  fs::create_hard_link(s.where.home("one") + "/index.html", s.where.home("one") + "/again");
  REQUIRE(s.publish("one"));
  CHECK(fs::status(s.link + "/index.html").permissions() == fs::perms{0755});
  struct stat after {};
  REQUIRE(stat((s.where.home("one") + "/served").c_str(), &after) == 0);
  CHECK(before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
}

TEST_CASE("files with a link that leads out of them are not published") {
  site s;
  for (const std::string& target : {"/etc", "/etc/passwd", "/nowhere", "../../../secret", "..",
                                    "/proc/self/root", "deep/up/../x"}) {
    CAPTURE(target);
    s.lay_out("bad");
    write(s.temp / "secret", "secret");
    fs::create_directory_symlink("..", s.where.home("bad") + "/deep/up");
    fs::create_symlink(target, s.where.home("bad") + "/link");
    CHECK(s.refusal("bad", site::as("ns/group/app", s.link))
          == "the link \"link\" leads out of the files, so they are not published");
    CHECK_FALSE(fs::is_symlink(s.link));
    fs::remove_all(s.where.instance("bad"));
  }
  s.lay_out("good");
  fs::create_symlink("../index.html", s.where.home("good") + "/deep/up");
  fs::create_symlink("deep/up", s.where.home("good") + "/through");
  fs::create_symlink("nowhere", s.where.home("good") + "/dangling");
  fs::create_symlink("round", s.where.home("good") + "/round");
  REQUIRE(s.publish("good"));
  CHECK(content(s.link + "/through") == "good");
}

TEST_CASE("without a path it is the application's below the root") {
  site s;
  s.lay_out("one");
  REQUIRE(s.all.publish("one", site::as("ns/group/app", "")));
  CHECK(content(s.root + "/ns/group/app/index.html") == "one");
}

TEST_CASE(
  "what is withdrawn gives the path back to the one before it, the last one takes it away") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  REQUIRE(s.publish("one"));
  REQUIRE(s.publish("two"));
  s.all.withdraw("two");
  CHECK(s.shown() == "one");
  CHECK_FALSE(s.all.has("two"));
  s.all.withdraw("one");
  CHECK_FALSE(fs::is_symlink(s.link));
  s.all.withdraw("one");
}

TEST_CASE("the files from before are kept, and a rollback has them without being unpacked again") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  REQUIRE(s.publish("one", "old"));
  REQUIRE(s.publish("two", "new"));
  s.all.withdraw("one");
  CHECK_FALSE(fs::exists(s.where.home("one")));
  CHECK(s.shown() == "two");
  fs::create_directories(s.where.instance("back"));
  s.all.reuse("back", site::as("ns/group/other", s.link, "old"));
  s.all.reuse("back", site::as("ns/group/app", s.link, "another"));
  CHECK_FALSE(fs::exists(s.where.home("back")));
  s.all.reuse("back", site::as("ns/group/app", s.link, "old"));
  REQUIRE(s.publish("back", "old"));
  CHECK(s.shown() == "one");
  s.all.withdraw("two");
  s.all.withdraw("back");
  CHECK_FALSE(fs::is_symlink(s.link));
  CHECK_FALSE(fs::exists(s.where.lib + "/published/ns/group/app"));
}

TEST_CASE("what is there already and not the application's own is left as it is") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  fs::create_directories(s.link);
  CHECK(s.refusal("one", site::as("ns/group/app", s.link))
        == s.link + " is there already and no link of this agent's, so it stays as it is");
  CHECK(fs::is_directory(fs::symlink_status(s.link)));
  fs::remove(s.link);
  fs::create_symlink("/etc", s.link);
  CHECK(s.refusal("one", site::as("ns/group/app", s.link)).ends_with("so it stays as it is"));
  CHECK(fs::read_symlink(s.link) == "/etc");
  fs::remove(s.link);
  REQUIRE(s.publish("one"));
  CHECK(s.refusal("two", site::as("ns/group/other", s.link))
        == s.link + " leads to the files of ns/group/app already");
  CHECK(s.shown() == "one");
  s.all.withdraw("two");
  CHECK(s.shown() == "one");
}

TEST_CASE("what is somebody else's by now is not taken away") {
  site s;
  s.lay_out("one");
  REQUIRE(s.publish("one"));
  fs::remove(s.link);
  write(s.link, "mine");
  s.all.withdraw("one");
  CHECK(content(s.link) == "mine");
}

TEST_CASE("nothing is published outside the root, also not by way of a link in it") {
  site s;
  s.lay_out("one");
  for (const std::string& path : {std::string{"/etc/x"}, s.root, s.root + "/", s.root + "/../x"})
    CHECK(s.refusal("one", site::as("a/b/c", path)).find("is not below " + s.root)
          != std::string::npos);
  fs::create_directories(s.temp / "elsewhere");
  fs::create_symlink(s.temp / "elsewhere", s.root + "/out");
  CHECK_FALSE(s.all.publish("one", site::as("a/b/c", s.root + "/out/x")));
  CHECK(fs::is_empty(s.temp / "elsewhere"));
  publications nowhere{s.where, ""};
  auto refused = nowhere.publish("one", site::as("a/b/c", "/srv/www/x"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "this machine's agent publishes no files");
  CHECK(refused.error().hint == "give it a directory for them, such as `static-root: /srv/www`");
}

TEST_CASE("the next agent finds what is published, also while a rollout is under way") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  auto since = s.publish("one");
  REQUIRE(since);
  CHECK(s.found("one").running);
  CHECK(s.found("one").started_at == *since);
  CHECK(s.found("one").pid == 0);
  REQUIRE(s.publish("two"));
  CHECK(s.found("one").running);
  CHECK(s.found("two").running);
  fs::remove(s.link);
  CHECK_FALSE(s.found("two").running);
  CHECK(s.found("two").interruption == s.link + " did not lead to its files any more");
}

TEST_CASE("an agent that was killed before the switch, or after it, leaves the old or the new") {
  site s;
  s.lay_out("one");
  s.lay_out("two");
  REQUIRE(s.publish("one"));
  // It had noted what it was about to do.
  write(s.where.instance("two") + "/published", "ns/group/app\n" + s.link + "\nabc\n0\n");
  CHECK(s.shown() == "one");
  CHECK_FALSE(s.found("two").running);
  CHECK(s.found("two").interruption.empty());
  // And had switched.
  fs::remove(s.link);
  fs::create_symlink(s.where.home("two"), s.link);
  CHECK(s.found("one").running);
  CHECK_FALSE(s.found("two").running);
  s.all.withdraw("two");
  CHECK(s.shown() == "one");
  CHECK_FALSE(s.all.has("two"));
}

TEST_CASE("what was laid out before the machine was booted has to be laid out anew") {
  site s;
  s.lay_out("one");
  REQUIRE(s.publish("one"));
  write(s.where.instance("one") + "/unpacked", "another boot\n");
  CHECK_FALSE(s.found("one").running);
  CHECK(s.found("one").earlier_boot);
  CHECK(s.found("one").interruption == "its machine went down");
  CHECK(s.shown() == "one");
}

TEST_CASE("a note that is damaged is none") {
  site s;
  s.lay_out("one");
  REQUIRE(s.publish("one"));
  write(s.where.instance("one") + "/published", "ns/gro");
  CHECK_FALSE(s.found("one").running);
  REQUIRE(s.publish("one"));
  CHECK(s.found("one").running);
}
