#include "cli/board.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace deployminator;
using namespace deployminator::cli;
using messages::instance_state;
using messages::timestamp;

/// What `deploy watch` and `deploy new-build` draw, as whole screens in test/cli/pictures/. After
/// an intended change: DEPLOY_WRITE_PICTURES=1 build/dev/bin/cli_tests -tc="*picture*", then look
/// at the difference before it is committed.
namespace {

constexpr std::int64_t seconds_in_us = 1'000'000;

/// Sixty instances of a new version on twenty machines, some in each state, and a group at rest.
class farm_view {
public:
  farm_view() {
    picture_.show_groups(
      {{.namespace_ = "shop", .group = "web", .deployed_version = 11, .wanted = 60},
       {.namespace_ = "shop", .group = "suche-größe", .deployed_version = 7, .wanted = 1}});
    picture_.show_machines({{.name = "node-21", .state = messages::machine_state::unreachable}});
    take(7, "suche-größe",
         messages::instance_change{.id = "suche-5k2m9x1q",
                                   .machine = "node-01",
                                   .to = instance_state::ready,
                                   .ports = {4199}});
    picture_.follow({"shop", "web", 12}, now_);
    take(12, "web", messages::rollout_step{"starting", "every machine has its artifact"});
    for (int i = 0; i < 60; ++i)
      add(i);
    take(12, "web",
         messages::download_progress{"node-07",
                                     "https://builds.example/web/57/web-server.tar.bz2",
                                     {"web-server-07"},
                                     10'485'760,
                                     20'971'520,
                                     4'194'304,
                                     2.5});
    now_.microseconds += 83 * seconds_in_us;
  }

  [[nodiscard]] std::string screen(const canvas& c) const {
    std::string out;
    for (const auto& each : picture_.lines(c, now_))
      out += rendered(each, c) + "\n";
    return without_colours(out);
  }

private:
  void take(std::uint64_t version, const std::string& group, messages::event::content what) {
    picture_.apply({1, now_, "shop", group, version, std::move(what)}, now_);
  }

  void add(int i) {
    messages::instance_change c{.id = fmt::format("web-server-{:02}", i),
                                .machine = fmt::format("node-{:02}", i % 20 + 1),
                                .from = instance_state::starting,
                                .to = instance_state::ready,
                                .ports = {static_cast<std::uint16_t>(4100 + i)}};
    if (i % 20 == 6)
      c.to = instance_state::downloading;
    if (i % 20 == 7)
      c.to = instance_state::starting;
    if (i == 13) {
      c.to = instance_state::failed;
      c.reason = "exited with code 3: could not open config.yaml: Datei nicht gefunden – größe 0";
    }
    if (i == 14) {
      c.to = instance_state::preparing;
      c.reason = "the artifact is in the cache; is being unpacked";
    }
    take(12, "web", std::move(c));
  }

  static std::string without_colours(std::string text) {
    for (auto at = text.find('\x1b'); at != text.npos; at = text.find('\x1b'))
      text.erase(at, text.find('m', at) - at + 1);
    return text;
  }

  board picture_;
  timestamp now_{1'764'222'010 * seconds_in_us};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string each; std::getline(in, each);)
    out.push_back(each);
  return out;
}

/// The lines that differ, those expected after `-`, those drawn after `+`.
std::string difference(const std::string& expected, const std::string& drawn) {
  auto before = lines_of(expected);
  auto after = lines_of(drawn);
  std::string out;
  for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
    bool is_same = i < before.size() && i < after.size() && before[i] == after[i];
    if (!is_same && i < before.size())
      out += fmt::format("{:3} - {}\n", i + 1, before[i]);
    if (!is_same && i < after.size())
      out += fmt::format("{:3} + {}\n", i + 1, after[i]);
  }
  return out;
}

void compare(const std::string& name, const std::string& drawn) {
  auto path = std::filesystem::path{PICTURES} / name;
  if (std::getenv("DEPLOY_WRITE_PICTURES") != nullptr)
    std::ofstream{path, std::ios::binary} << drawn;
  std::ifstream file{path, std::ios::binary};
  REQUIRE_MESSAGE(file, "there is no " << path.string()
                                       << "; DEPLOY_WRITE_PICTURES=1 writes what is drawn");
  std::string expected{std::istreambuf_iterator<char>{file}, {}};
  auto unlike = difference(expected, drawn);
  CHECK_MESSAGE(unlike.empty(), path.string()
                                  << " is not what is drawn (-: the file, +: drawn)\n"
                                  << unlike
                                  << "if that is intended, DEPLOY_WRITE_PICTURES=1 writes it");
}

} // namespace

TEST_CASE("the picture of sixty instances fits its terminal and shows what matters most") {
  farm_view view;
  for (auto [width, height] : {std::pair{80U, 24U}, std::pair{40U, 10U}, std::pair{200U, 50U}})
    for (bool unicode : {true, false}) {
      canvas c{.width = width, .height = height, .rich = true, .unicode = unicode};
      auto drawn = view.screen(c);
      auto rows = lines_of(drawn);
      CHECK(rows.size() < height);
      for (const auto& each : rows)
        CHECK(columns(each) <= width);
      CHECK(drawn.find("failed") != std::string::npos);
      compare(fmt::format("board-{}x{}-{}.txt", width, height, unicode ? "utf8" : "ascii"), drawn);
    }
}
