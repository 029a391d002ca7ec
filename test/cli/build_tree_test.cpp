#include "cli/build_tree.hpp"
#include "cli/outcome.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace deployminator;
using namespace deployminator::cli;

namespace {

namespace fs = std::filesystem;

/// A build repository in a temporary directory.
struct repository {
  fs::path root;

  repository() {
    std::string name = (fs::temp_directory_path() / "deploy-builds.XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~repository() {
    fs::remove_all(root);
  }
  repository(const repository&) = delete;
  repository& operator=(const repository&) = delete;

  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream{root / name} << text;
  }

  void add(const std::string& build, const std::string& metadata = "repositoryid: 42\nother: x\n",
           const std::string& file
           = "namespace: shop\ngroups:\n- groupid: web\n  applications:\n"
             "  - downloadurl: /b/${BUILDID}/web\n    binary: web\n") const {
    write("artefacts/" + build + "/deployment/deploy.yaml", file);
    if (!metadata.empty())
      write("metadata/" + build + "/build.yaml", metadata);
  }

  [[nodiscard]] std::vector<std::string> newest() const {
    std::vector<std::string> out;
    for (const auto& each : newest_builds(root.string()))
      out.push_back(each.artifact + "/" + each.branch + "/" + std::to_string(each.build));
    return out;
  }

  /// What is wrong with the only build.
  [[nodiscard]] std::string complaint() const {
    try {
      order_for(newest_builds(root.string()).at(0));
    } catch (const setback& e) {
      CHECK(e.exit == exit_code::usage);
      return e.why.message.substr(e.why.message.find(root.string()) + root.string().size());
    }
    return {};
  }
};

} // namespace

TEST_CASE("of each artifact the build with the highest number is found, whatever its branch") {
  repository r;
  r.add("web/master/9");
  r.add("web/master/10");
  r.add("web/feature/7");
  r.add("db/feature/3");
  CHECK(r.newest() == std::vector<std::string>{"db/feature/3", "web/master/10"});
}

TEST_CASE("what has no deploy.yaml is not deployed, and what is no build is passed over") {
  repository r;
  r.add("web/master/9");
  fs::create_directories(r.root / "artefacts/web/master/11/dist");
  r.add("web/master/latest");
  r.add("web/master/0");
  r.write("artefacts/library/master/5/dist/a", "");
  r.write("artefacts/README", "");
  CHECK(r.newest() == std::vector<std::string>{"web/master/9"});
}

TEST_CASE("of the same number in two branches the younger file counts") {
  repository r;
  r.add("web/a/5");
  r.add("web/b/5");
  auto now = fs::file_time_type::clock::now();
  fs::last_write_time(r.root / "artefacts/web/a/5/deployment/deploy.yaml", now);
  fs::last_write_time(r.root / "artefacts/web/b/5/deployment/deploy.yaml",
                      now - std::chrono::hours{1});
  CHECK(r.newest() == std::vector<std::string>{"web/a/5"});
}

TEST_CASE("the order has what the tree says of the build") {
  repository r;
  r.add("web/master/10");
  auto order = order_for(newest_builds(r.root.string()).at(0));
  CHECK(order.build == 10);
  CHECK(order.repository == "42");
  CHECK(order.artifact_id == "web");
  CHECK(order.branch == "master");
  CHECK(order.file.starts_with("namespace: shop"));
  CHECK(order.order_id.empty());
}

TEST_CASE("a file that is missing or wrong is named, with its line") {
  repository r;
  const std::string metadata = "/metadata/web/master/1/build.yaml";
  SUBCASE("no build.yaml") {
    r.add("web/master/1", "");
    CHECK(r.complaint() == metadata + ": cannot be read: No such file or directory");
  }
  SUBCASE("no repositoryid") {
    r.add("web/master/1", "a: b\n");
    CHECK(r.complaint() == metadata + ":1:1: `repositoryid` is missing; expected a number");
  }
  SUBCASE("a repositoryid that is none") {
    r.add("web/master/1", "a: b\nrepositoryid: many\n");
    CHECK(r.complaint().starts_with(metadata + ":2:15: "));
  }
  SUBCASE("no map") {
    r.add("web/master/1", "[1]\n");
    CHECK(r.complaint().starts_with(metadata + ":1:1: expected a map"));
  }
  SUBCASE("a deploy.yaml with mistakes") {
    r.add("web/master/1", "repositoryid: 1\n", "groups: 5\n");
    CHECK(r.complaint().starts_with("/artefacts/web/master/1/deployment/deploy.yaml:1:"));
  }
}

TEST_CASE("a directory without artefacts is wrong usage") {
  repository r;
  try {
    newest_builds(r.root.string());
    FAIL("it was read");
  } catch (const setback& e) {
    CHECK(e.exit == exit_code::usage);
    CHECK(e.why.message.find("/artefacts: cannot be read") != std::string::npos);
  }
}
