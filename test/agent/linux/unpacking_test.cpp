#include "agent/linux/process_launcher.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <cstdlib>
#include <functional>

#include <sys/stat.h>

using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

/// Writes archives, honest or not.
class archive_maker {
public:
  enum class form { tar, zip };

  archive_maker(const std::string& path, form f = form::tar, int filter = ARCHIVE_FILTER_NONE)
    : out_(archive_write_new()) {
    if (f == form::tar)
      archive_write_set_format_pax_restricted(out_);
    else
      archive_write_set_format_zip(out_);
    archive_write_add_filter(out_, filter);
    REQUIRE(archive_write_open_filename(out_, path.c_str()) == ARCHIVE_OK);
  }
  ~archive_maker() {
    archive_write_free(out_);
  }

  archive_maker& file(const std::string& path, const std::string& data, int mode = 0644) {
    put(path, AE_IFREG, mode,
        [&](archive_entry* e) { archive_entry_set_size(e, static_cast<la_int64_t>(data.size())); });
    archive_write_data(out_, data.data(), data.size());
    return *this;
  }
  archive_maker& link(const std::string& path, const std::string& target) {
    put(path, AE_IFLNK, 0777,
        [&](archive_entry* e) { archive_entry_set_symlink(e, target.c_str()); });
    return *this;
  }
  archive_maker& hard_link(const std::string& path, const std::string& target) {
    put(path, AE_IFREG, 0644,
        [&](archive_entry* e) { archive_entry_set_hardlink(e, target.c_str()); });
    return *this;
  }
  archive_maker& directory(const std::string& path, int mode = 0755) {
    put(path, AE_IFDIR, mode, [](archive_entry*) {});
    return *this;
  }
  archive_maker& special(const std::string& path, unsigned type) {
    put(path, type, 0644, [](archive_entry* e) {
      archive_entry_set_rdevmajor(e, 1);
      archive_entry_set_rdevminor(e, 3);
    });
    return *this;
  }
  /// `count` times `data`, in one file.
  archive_maker& repeated(const std::string& path, const std::string& data, std::size_t count) {
    put(path, AE_IFREG, 0644, [&](archive_entry* e) {
      archive_entry_set_size(e, static_cast<la_int64_t>(data.size() * count));
    });
    for (std::size_t n = 0; n < count; ++n)
      archive_write_data(out_, data.data(), data.size());
    return *this;
  }

private:
  void put(const std::string& path, unsigned type, int mode,
           const std::function<void(archive_entry*)>& more) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, static_cast<mode_t>(mode));
    more(entry);
    archive_write_header(out_, entry);
    archive_entry_free(entry);
  }

  archive* out_;
};

struct unpacking {
  scratch root;
  machine m{root.path};
  int count = 0;
  /// The user of the last instance.
  std::int64_t uid = 0;

  deployminator::messages::result<void> unpack(const std::string& archive,
                                               const std::string& binary = "run",
                                               const std::string& url = "http://x/a.tar") {
    auto id = "i" + std::to_string(count++);
    uid = m.reserve(id).uid;
    auto done = m.unpack(id, archive, binary, url);
    CHECK(std::filesystem::exists(m.where.home(id)) == static_cast<bool>(done));
    CHECK_FALSE(std::filesystem::exists(m.where.home(id) + ".tmp"));
    return done;
  }
  /// The home of the last instance.
  std::string home() const {
    return m.where.home("i" + std::to_string(count - 1));
  }
  /// What is said about an archive, that is made by `make`.
  std::string refusal(const std::function<void(archive_maker&)>& make,
                      archive_maker::form form = archive_maker::form::tar,
                      int filter = ARCHIVE_FILTER_NONE) {
    {
      archive_maker a{root / "a", form, filter};
      make(a);
    }
    auto done = unpack(root / "a");
    CHECK_FALSE(done);
    return done ? "" : done.error().message;
  }
};

/// A tar archive of one file that is a single hole.
std::string sparse_archive(const scratch& root, const std::string& size) {
  auto command = "cd " + root.path + " && truncate -s " + size + " z && tar -cSf sparse.tar z";
  REQUIRE(std::system(command.c_str()) == 0);
  return root / "sparse.tar";
}

int mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(lstat(path.c_str(), &info) == 0);
  return static_cast<int>(info.st_mode & 07777);
}

} // namespace

TEST_CASE("archives of all kinds are laid out with harmless modes and owners") {
  unpacking u;
  struct {
    const char* name;
    archive_maker::form form;
    int filter;
  } kinds[] = {{"tar", archive_maker::form::tar, ARCHIVE_FILTER_NONE},
               {"tar.gz", archive_maker::form::tar, ARCHIVE_FILTER_GZIP},
               {"tar.bz2", archive_maker::form::tar, ARCHIVE_FILTER_BZIP2},
               {"tar.xz", archive_maker::form::tar, ARCHIVE_FILTER_XZ},
               {"tar.zst", archive_maker::form::tar, ARCHIVE_FILTER_ZSTD},
               {"zip", archive_maker::form::zip, ARCHIVE_FILTER_NONE}};
  for (const auto& kind : kinds) {
    CAPTURE(kind.name);
    {
      archive_maker a{u.root / "a", kind.form, kind.filter};
      a.directory("./dist/", 0500).file("./dist/run", "#!/bin/sh\n", 04777);
      a.file("dist/data//x", "ä", 0600).link("dist/now", "data/x").link("top", "dist/../x");
    }
    // A link that winds is refused; without it all is well.
    CHECK_FALSE(u.unpack(u.root / "a", "dist/run"));
    {
      archive_maker a{u.root / "a", kind.form, kind.filter};
      a.directory("./dist/", 0500).file("./dist/run", "#!/bin/sh\n", 04777);
      a.file("dist/data//x", "ä", 0600).link("dist/now", "data/x").link("dist/up", "../dist/run");
    }
    auto done = u.unpack(u.root / "a", "dist/run");
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    CHECK(mode_of(u.home()) == 0700);
    CHECK(mode_of(u.home() + "/dist") == 0700);
    CHECK(mode_of(u.home() + "/dist/run") == 0755);
    CHECK(mode_of(u.home() + "/dist/data/x") == 0600);
    CHECK(content(u.home() + "/dist/data/x") == "ä");
    CHECK(content(u.home() + "/dist/now") == "ä");
    CHECK(content(u.home() + "/dist/up") == "#!/bin/sh\n");
    struct stat info {};
    REQUIRE(lstat((u.home() + "/dist/data/x").c_str(), &info) == 0);
    CHECK(info.st_uid == u.uid);
  }
}

TEST_CASE("archives by GNU tar are read") {
  unpacking u;
  write(u.root / "program", "x");
  std::filesystem::permissions(u.root / "program", std::filesystem::perms{0755});
  REQUIRE(std::system(("tar -C " + u.root.path + " -czf " + (u.root / "a") + " ./program").c_str())
          == 0);
  auto done = u.unpack(u.root / "a", "program");
  CHECK_MESSAGE(done, (done ? "" : done.error().message));
}

TEST_CASE("a plain program is given its name and made executable") {
  unpacking u;
  write(u.root / "a", "#!/bin/sh\n");
  CHECK(u.unpack(u.root / "a", "server", "http://x/server-12"));
  CHECK(content(u.home() + "/server") == "#!/bin/sh\n");
  CHECK(mode_of(u.home() + "/server") == 0755);
  CHECK(u.unpack(u.root / "a", "dist/bin/server", "http://x/server-12"));
  CHECK(mode_of(u.home() + "/dist/bin/server") == 0755);
  CHECK(u.unpack(u.root / "a", "../server", "http://x/s").error().message
        == "\"../server\" is not a path below the instance's directory");
  CHECK(u.unpack(u.root / "missing", "server", "http://x/s").error().message
        == "cannot read the artifact " + (u.root / "missing") + ": No such file or directory");
}

TEST_CASE("a plain program is not copied for a user who may not write to it, where that can be") {
  if (geteuid() != 0) {
    MESSAGE("skipped: without root every instance runs as the agent's user");
    return;
  }
  unpacking u;
  write(u.root / "a", "#!/bin/sh\n");
  REQUIRE(u.unpack(u.root / "a", "bin/server", "http://x/server"));
  struct stat artifact {};
  struct stat program {};
  struct stat directory {};
  REQUIRE(stat((u.root / "a").c_str(), &artifact) == 0);
  REQUIRE(lstat((u.home() + "/bin/server").c_str(), &program) == 0);
  REQUIRE(lstat((u.home() + "/bin").c_str(), &directory) == 0);
  CHECK(program.st_ino == artifact.st_ino);
  CHECK(program.st_uid == 0);
  CHECK(directory.st_uid == u.uid);
  scratch elsewhere{"/dev/shm"};
  write(elsewhere / "a", "#!/bin/sh\n");
  REQUIRE(u.unpack(elsewhere / "a", "server", "http://x/server"));
  REQUIRE(lstat((u.home() + "/server").c_str(), &program) == 0);
  CHECK(program.st_uid == u.uid);
  CHECK(content(u.home() + "/server") == "#!/bin/sh\n");
}

TEST_CASE(
  "unpacking twice does it once, and again when the first was before a restart of the host") {
  unpacking u;
  write(u.root / "a", "1");
  REQUIRE(u.unpack(u.root / "a", "run", "x"));
  auto id = "i" + std::to_string(u.count - 1);
  std::filesystem::remove(u.root / "a");
  write(u.root / "a", "2");
  CHECK(u.m.unpack(id, u.root / "a", "run", "x"));
  CHECK(content(u.home() + "/run") == "1");
  write(u.m.where.instance(id) + "/unpacked", "another boot");
  CHECK(u.m.unpack(id, u.root / "a", "run", "x"));
  CHECK(content(u.home() + "/run") == "2");
}

TEST_CASE("without the program that was asked for, the archive is refused") {
  unpacking u;
  CHECK(u.refusal([](auto& a) { a.file("a", "").file("b/c", "").directory("d"); })
        == "the archive has no \"run\"; it holds: a, b/c");
  CHECK(u.refusal([](auto& a) {
    for (int n = 0; n < 10; ++n)
      a.file("f" + std::to_string(n), "");
  }) == "the archive has no \"run\"; it holds: f0, f1, f2, f3, f4, f5, f6, f7, …");
  CHECK(u.refusal([](auto& a) { a.file("run", "x", 0644); })
        == "\"run\" in the archive is not executable (mode 644)");
  CHECK(u.refusal([](auto& a) { a.directory("run"); })
        == "\"run\" in the archive is a directory, not a program");
  CHECK(u.refusal([](auto& a) { a.link("run", "nowhere"); })
        == "the archive has no \"run\"; it holds no file");
  CHECK(u.refusal([](auto&) {}) == "the archive is empty");
}

TEST_CASE("what a program of the machine works on need not be executable, or named") {
  unpacking u;
  {
    archive_maker a{u.root / "a"};
    a.file("report.py", "print()\n", 0600);
  }
  u.m.reserve("one");
  auto done = u.m.unpack("one", u.root / "a", "", "http://x/a.tar", false);
  REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  CHECK(content(u.m.where.home("one") + "/report.py") == "print()\n");
  u.m.reserve("two");
  REQUIRE(u.m.unpack("two", u.root / "a", "a", "http://x/a", false));
  CHECK(content(u.m.where.home("two") + "/report.py") == "print()\n");
  u.m.reserve("three");
  REQUIRE(u.m.unpack("three", u.m.where.home("one") + "/report.py", "main.py", "http://x/main.py",
                     false));
  CHECK(content(u.m.where.home("three") + "/main.py") == "print()\n");
  u.m.reserve("four");
  CHECK(u.m.unpack("four", u.m.where.home("one") + "/report.py", "", "http://x/a.tar", false)
          .error()
          .message.find("is not an archive")
        != std::string::npos);
}

TEST_CASE("what is not an archive, or half of one, is refused") {
  unpacking u;
  write(u.root / "a", "<html>Not Found</html>");
  CHECK(u.unpack(u.root / "a").error().message
        == "the artifact is not an archive: expected tar (plain, gz, bz2, xz or zst) or zip");
  write(u.root / "a", "");
  CHECK_FALSE(u.unpack(u.root / "a"));
  {
    archive_maker{u.root / "a", archive_maker::form::tar, ARCHIVE_FILTER_GZIP}.file(
      "run", std::string(100'000, 'x') + std::to_string(getpid()), 0755);
  }
  auto whole = content(u.root / "a");
  write(u.root / "a", whole.substr(0, whole.size() / 2));
  CHECK(u.unpack(u.root / "a").error().message.find("the archive is damaged: ") == 0);
}

TEST_CASE("entries that would land outside are refused, in tar and in zip") {
  unpacking u;
  for (auto form : {archive_maker::form::tar, archive_maker::form::zip}) {
    CHECK(u.refusal([](auto& a) { a.file("../x", "y"); }, form)
          == "refused entry \"../x\": it would land outside");
    CHECK(u.refusal([](auto& a) { a.file("a/../../x", "y"); }, form)
          == "refused entry \"a/../../x\": it would land outside");
    CHECK(u.refusal([](auto& a) { a.file("/tmp/x", "y"); }, form)
          == "refused entry \"/tmp/x\": its path is absolute, it would land outside");
    CHECK(u.refusal([](auto& a) { a.link("d/run", "../../x"); }, form)
          == "refused link \"d/run -> ../../x\": it points outside");
  }
  CHECK(u.refusal([](auto& a) { a.link("a", "b/..").file("x", ""); })
        == "refused link \"a -> b/..\": \"..\" may only stand at the beginning of a link's target");
  CHECK_FALSE(std::filesystem::exists("/tmp/x"));
}

TEST_CASE("what is an archive its content says, whatever its name is") {
  unpacking u;
  {
    archive_maker{u.root / "a", archive_maker::form::tar, ARCHIVE_FILTER_GZIP}.file("run", "x",
                                                                                    0755);
  }
  for (const char* url : {"http://x/download", "http://x/get?job=build", "http://x/run.exe"}) {
    REQUIRE(u.unpack(u.root / "a", "run", url));
    CHECK(content(u.home() + "/run") == "x");
  }
  write(u.root / "a", "#!/bin/sh\n");
  REQUIRE(u.unpack(u.root / "a", "run", "http://x/a.tar.gz"));
  CHECK(content(u.home() + "/run") == "#!/bin/sh\n");
}

TEST_CASE("a jar is a program, though it is a zip archive") {
  unpacking u;
  { archive_maker{u.root / "a", archive_maker::form::zip}.file("META-INF/MANIFEST.MF", "x"); }
  REQUIRE(u.unpack(u.root / "a", "server.jar", "http://x/server.jar"));
  CHECK((content(u.home() + "/server.jar") == content(u.root / "a")));
}

TEST_CASE("a single compressed program is unpacked, with whatever it was compressed") {
  unpacking u;
  const auto* program = "#!/bin/sh\necho hello\n";
  for (const char* by : {"gzip", "bzip2", "xz", "zstd"}) {
    CAPTURE(by);
    write(u.root / "a", program);
    if (std::system(
          fmt::format("{} -c {} > {} 2>/dev/null", by, u.root / "a", u.root / "b").c_str())
        != 0)
      continue;
    auto done = u.unpack(u.root / "b", "server", "http://x/server.z");
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    CHECK(content(u.home() + "/server") == program);
    CHECK(mode_of(u.home() + "/server") == 0755);
    auto whole = content(u.root / "b");
    write(u.root / "b", whole.substr(0, whole.size() - 3));
    CHECK_FALSE(u.unpack(u.root / "b", "server", "http://x/server.z"));
  }
}

TEST_CASE("an archive that was damaged on its way is refused, also behind its last file") {
  unpacking u;
  for (int filter :
       {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD}) {
    CAPTURE(filter);
    { archive_maker{u.root / "a", archive_maker::form::tar, filter}.file("run", "x", 0755); }
    auto whole = content(u.root / "a");
    write(u.root / "a", whole.substr(0, whole.size() - 4));
    CHECK_FALSE(u.unpack(u.root / "a"));
    auto changed = whole;
    // Within what tells whether all is right: gzip's CRC, the checks of the others.
    changed[changed.size() - (filter == ARCHIVE_FILTER_GZIP ? 8 : 3)] ^= 1;
    write(u.root / "a", changed);
    CHECK_FALSE(u.unpack(u.root / "a"));
    write(u.root / "a", whole + "behind");
    CHECK(static_cast<bool>(u.unpack(u.root / "a")) == (filter == ARCHIVE_FILTER_BZIP2));
  }
}

TEST_CASE("members of gzip may follow each other, and zeros the last") {
  unpacking u;
  write(u.root / "a", "#!/bin/sh\n");
  write(u.root / "b", "exit 0\n");
  REQUIRE(std::system(
            ("cd " + u.root.path + " && (gzip -c a; gzip -c b; head -c 100 /dev/zero) > c").c_str())
          == 0);
  REQUIRE(u.unpack(u.root / "c", "run", "http://x/c"));
  CHECK(content(u.home() + "/run") == "#!/bin/sh\nexit 0\n");
}

TEST_CASE("nothing is written through a link of the archive") {
  unpacking u;
  auto why = u.refusal([](auto& a) { a.directory("d").link("l", "d").file("l/run", "x", 0755); });
  CHECK(why.find("cannot write ") == 0);
  CHECK(why.find("Cannot extract through symlink") != std::string::npos);
}

TEST_CASE("links to absolute places are laid out, and nothing is written through them") {
  unpacking u;
  std::filesystem::create_directory(u.root / "outside");
  std::filesystem::permissions(u.root / "outside", std::filesystem::perms{0777});
  auto outside = u.root / "outside";
  {
    archive_maker a{u.root / "a"};
    a.link("bin/python", "python3").link("bin/python3", "/bin/sh").link("etc", outside);
    a.file("run", "#!/bin/sh\n", 0755);
  }
  for (const char* binary : {"run", "bin/python3", "bin/python"})
    CHECK(u.unpack(u.root / "a", binary));
  CHECK(std::filesystem::read_symlink(u.home() + "/bin/python3") == "/bin/sh");
  CHECK(u.unpack(u.root / "a", "etc").error().message
        == "the archive has no \"etc\"; it holds: run");
  auto why = u.refusal([&](auto& a) { a.link("l", outside).file("l/run", "x", 0755); });
  CHECK(why.find("Cannot extract through symlink") != std::string::npos);
  // What takes a link's place is itself, and what is in it is in the archive.
  { archive_maker{u.root / "a"}.link("l", outside).directory("l").file("l/run", "x", 0755); }
  REQUIRE(u.unpack(u.root / "a", "l/run"));
  CHECK(std::filesystem::is_directory(std::filesystem::symlink_status(u.home() + "/l")));
  { archive_maker{u.root / "a"}.link("run", outside + "/run").file("run", "x", 0755); }
  REQUIRE(u.unpack(u.root / "a", "run"));
  CHECK(std::filesystem::is_empty(outside));
}

TEST_CASE("hard links within an archive are laid out, as tar writes them") {
  unpacking u;
  write(u.root / "one", "#!/bin/sh\n");
  std::filesystem::permissions(u.root / "one", std::filesystem::perms{0755});
  REQUIRE(std::system(("cd " + u.root.path + " && ln one two && tar -cf a one two").c_str()) == 0);
  for (const char* binary : {"one", "two"}) {
    auto done = u.unpack(u.root / "a", binary);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
    CHECK(content(u.home() + "/two") == "#!/bin/sh\n");
    CHECK(mode_of(u.home() + "/two") == 0755);
  }
}

TEST_CASE("hard links to what is no file of the archive are refused") {
  unpacking u;
  for (const char* target : {"later", "d", "l", "l/hostname", "run"}) {
    CAPTURE(target);
    CHECK(
      u.refusal([&](auto& a) {
        a.directory("d").link("l", "/etc").hard_link("run", target).file("later", "x", 0755);
      })
      == fmt::format("refused entry \"run\": it is a hard link to \"{}\", which is no file of the "
                     "archive before it",
                     target));
  }
  CHECK(u.refusal([](auto& a) { a.hard_link("run", "/etc/passwd"); })
        == "refused entry \"/etc/passwd\": its path is absolute, it would land outside");
  CHECK(u.refusal([](auto& a) { a.hard_link("run", "../x"); })
        == "refused entry \"../x\": it would land outside");
}

TEST_CASE("devices are refused") {
  unpacking u;
  for (auto type : {AE_IFCHR, AE_IFBLK, AE_IFIFO})
    CHECK(u.refusal([type](auto& a) { a.special("run", type); })
          == "refused entry \"run\": it is neither a file, a directory nor a link");
}

TEST_CASE("bombs are refused long before they fill the disk") {
  unpacking u;
  auto started = std::chrono::steady_clock::now();
  auto zeros = [](auto& a) { a.repeated("z", std::string(1 << 20, 0), 320); };
  CHECK(u.refusal(zeros, archive_maker::form::tar, ARCHIVE_FILTER_GZIP)
        == "refused entry \"z\": the archive unpacks to more than 200 times its size");
  CHECK(u.unpack(sparse_archive(u.root, "1T")).error().message
        == "refused entry \"z\": the archive unpacks to more than 21474836480 bytes");
  CHECK(u.unpack(sparse_archive(u.root, "16G")).error().message
        == "refused entry \"z\": the archive unpacks to more than 200 times its size");
  std::string deep;
  for (int n = 0; n < 1500; ++n)
    deep += "d/";
  CHECK(u.refusal([&](auto& a) { a.file(deep + "x", ""); }).find("64 directories deep")
        != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - started < 60s);
}

TEST_CASE("an archive of too many entries is refused") {
  unpacking u;
  auto config = u.m.config();
  config.unpacking.entries = 1000;
  u.m.launcher = std::make_unique<process_launcher>(
    config, [&](process_event event) { u.m.events.put(std::move(event)); });
  CHECK(u.refusal([](auto& a) {
    for (int n = 0; n < 1001; ++n)
      a.file("f" + std::to_string(n), "");
  }) == "refused the archive: it has more than 1000 entries");
}

TEST_CASE("names in archives cannot write on a terminal") {
  unpacking u;
  CHECK(u.refusal([](auto& a) { a.file("x\x1b[2J\n", ""); })
        == "the archive has no \"run\"; it holds: x\\x1b[2J\\x0a");
}

TEST_CASE("an instance that is killed while it is unpacked is gone, and says so to both") {
  unpacking u;
  {
    archive_maker{u.root / "a", archive_maker::form::tar, ARCHIVE_FILTER_BZIP2}.repeated(
      "z", std::string(1 << 20, 'x'), 80);
  }
  u.m.reserve("one");
  arrivals<deployminator::messages::result<void>> done;
  u.m.launcher->unpack({"one", u.root / "a", "a.tar", "run"},
                       [&](auto r) { done.put(std::move(r)); });
  u.m.kill("one");
  CHECK(done.next().error().message == "unpacking the artifact of instance one was cancelled");
  CHECK_FALSE(std::filesystem::exists(u.m.where.home("one") + ".tmp"));
}

TEST_CASE("a full disk while unpacking is told with the path") {
  if (geteuid() != 0) {
    MESSAGE("skipped: a small file system can be mounted by root only");
    return;
  }
  scratch root;
  { archive_maker{root / "a"}.repeated("z", std::string(1 << 20, 'x'), 3); }
  std::filesystem::create_directory(root / "lib");
  REQUIRE(std::system(("mount -t tmpfs -o size=1m,mode=711 none " + (root / "lib")).c_str()) == 0);
  {
    machine m{root.path};
    m.reserve("one");
    auto why = m.unpack("one", root / "a", "run", "a.tar").error().message;
    CHECK(why.starts_with("cannot write " + m.where.trees() + "/"));
    CHECK(why.ends_with("/z: No space left on device"));
    CHECK_FALSE(std::filesystem::exists(m.where.home("one") + ".tmp"));
  }
  REQUIRE(std::system(("umount -l " + (root / "lib")).c_str()) == 0);
}

namespace {

/// Instances that want one artifact at the same time.
struct several : unpacking {
  using outcomes = arrivals<deployminator::messages::result<void>>;
  std::vector<std::string> ids;

  several() {
    archive_maker a{root / "a", archive_maker::form::tar, ARCHIVE_FILTER_GZIP};
    a.file("bin/run", "\x7f\x45LF and so on", 0755).file("data", "mine", 0600);
    a.file("bin/private", "\x7f\x45LF for its owner", 0700);
    a.link("now", "data").hard_link("again", "data");
    // So that it is still unpacked when the last asks for it.
    a.repeated("large", std::string(1 << 20, 'x'), 60);
  }

  void unpack_all(int many) {
    outcomes done;
    auto first = ids.size();
    for (int n = 0; n < many; ++n) {
      ids.push_back("s" + std::to_string(ids.size()));
      m.reserve(ids.back());
    }
    for (auto n = first; n < ids.size(); ++n)
      m.launcher->unpack({ids[n], root / "a", "a.tar.gz", "bin/run"},
                         [&](auto r) { done.put(std::move(r)); });
    for (int n = 0; n < many; ++n) {
      auto each = done.next();
      REQUIRE_MESSAGE(each, (each ? "" : each.error().message));
    }
  }

  std::string file(std::size_t n, const std::string& name) const {
    return m.where.home(ids[n]) + "/" + name;
  }

  std::vector<std::string> trees() const {
    std::vector<std::string> out;
    for (const auto& each : std::filesystem::directory_iterator{m.where.trees()})
      out.push_back(each.path());
    return out;
  }
};

struct stat stat_of_file(const std::string& path) {
  struct stat info {};
  REQUIRE(lstat(path.c_str(), &info) == 0);
  return info;
}

} // namespace

TEST_CASE_FIXTURE(several, "what several instances want is unpacked once, and each has its own") {
  unpack_all(10);
  REQUIRE(trees().size() == 1);
  auto tree = trees().front();
  unpack_all(1);
  CHECK(trees() == std::vector{tree});
  bool is_root = geteuid() == 0;
  for (std::size_t n = 0; n < ids.size(); ++n) {
    CHECK(content(file(n, "now")) == "mine");
    CHECK(mode_of(file(n, "data")) == 0600);
    CHECK(stat_of_file(file(n, "data")).st_ino == stat_of_file(file(n, "again")).st_ino);
    CHECK(stat_of_file(file(n, "data")).st_nlink == 2);
    CHECK(stat_of_file(file(n, "data")).st_uid == stat_of_file(file(n, "")).st_uid);
    auto program = stat_of_file(file(n, "bin/run"));
    CHECK((program.st_ino == stat_of_file(tree + "/bin/run").st_ino) == is_root);
    CHECK(program.st_mode == (S_IFREG | 0755));
    if (is_root)
      CHECK(program.st_uid == 0);
    // Nobody but its owner may execute it, so it has to be the instance's.
    auto own = stat_of_file(file(n, "bin/private"));
    CHECK(own.st_mode == (S_IFREG | 0700));
    CHECK(own.st_uid == stat_of_file(file(n, "")).st_uid);
  }
  write(file(0, "data"), "changed");
  CHECK(content(file(1, "data")) == "mine");
  CHECK(content(tree + "/data") == "mine");
}

TEST_CASE_FIXTURE(several, "an unpacked artifact that was changed is not used") {
  unpack_all(2);
  REQUIRE(trees().size() == 1);
  auto tree = trees().front();
  SUBCASE("a file") {
    write(tree + "/data", "evil");
  }
  SUBCASE("one more") {
    write(tree + "/more", "evil");
  }
  SUBCASE("one less") {
    std::filesystem::remove(tree + "/data");
  }
  SUBCASE("a program") {
    write(tree + "/bin/run", "evil");
  }
  SUBCASE("all of it") {
    std::filesystem::remove_all(m.where.trees());
  }
  unpack_all(1);
  CHECK(content(file(2, "data")) == "mine");
  CHECK(content(file(2, "bin/run")) == "\x7f\x45LF and so on");
  CHECK_FALSE(std::filesystem::exists(file(2, "more")));
}

TEST_CASE_FIXTURE(several, "what an earlier agent unpacked is thrown away") {
  unpack_all(2);
  REQUIRE(trees().size() == 1);
  std::filesystem::create_directory(m.where.trees() + "/left");
  m.restart();
  CHECK(trees().empty());
}
