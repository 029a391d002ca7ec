#include "agent/linux/port_settings_file.hpp"
#include "test/agent/linux/machine.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace deployminator;
using namespace deployminator::agent;
using namespace deployminator::agent::testing;

namespace {

/// A config file that leads this port to `web`.
std::string leading(int port) {
  return "applications:\n- matcher: {binary: web}\n  actionports: [{portindex: 1, publicport: "
         + std::to_string(port) + "}]\n";
}

struct config_file {
  scratch root;
  std::string path = root / "config.yaml";
  port_settings_file settings{path};

  /// The one public port in the news.
  int port() {
    auto news = settings.news();
    REQUIRE(news);
    REQUIRE(*news);
    return (*news)->at(0).ports.at(0).public_port;
  }

  std::string mistake() {
    auto news = settings.news();
    REQUIRE(news);
    REQUIRE_FALSE(*news);
    return news->error().message;
  }
};

} // namespace

TEST_CASE_FIXTURE(config_file, "the file's public ports are news once") {
  write(path, leading(80));
  CHECK(port() == 80);
  CHECK_FALSE(settings.news());
}

TEST_CASE_FIXTURE(config_file, "a change is news when the file was the same twice") {
  write(path, leading(80));
  settings.news();
  write(path, "");
  CHECK_FALSE(settings.news());
  write(path, leading(81));
  CHECK_FALSE(settings.news());
  CHECK(port() == 81);
  write(path, leading(82));
  CHECK_FALSE(settings.news());
  write(path, leading(81));
  CHECK_FALSE(settings.news());
  CHECK_FALSE(settings.news());
}

TEST_CASE_FIXTURE(config_file, "a file that was never there has no public ports") {
  auto news = settings.news();
  REQUIRE(news);
  REQUIRE(*news);
  CHECK((*news)->empty());
  write(path, leading(80));
  CHECK_FALSE(settings.news());
  CHECK(port() == 80);
}

TEST_CASE_FIXTURE(config_file, "a file that is gone is a mistake until it is there again") {
  write(path, leading(80));
  settings.news();
  std::filesystem::remove(path);
  CHECK_FALSE(settings.news());
  CHECK(mistake().find(path + ": the config file is gone") == 0);
  CHECK_FALSE(settings.news());
  write(path, leading(80));
  CHECK_FALSE(settings.news());
  CHECK(port() == 80);
}

TEST_CASE_FIXTURE(config_file, "whatever is wrong with the file is told with its line, once") {
  write(path, leading(80));
  settings.news();
  for (const auto* wrong : {"aplications: []\n", "memory: much\n", "{", "applications: 7\n"}) {
    write(path, wrong);
    CHECK_FALSE(settings.news());
    CHECK(mistake().find(path + ":1:") == 0);
    CHECK_FALSE(settings.news());
  }
}
