#include "test/deploy-configs/examples.hpp"

namespace deployminator::configs {

namespace {

using groups = std::vector<group_definition>;
using mistakes = std::vector<mistake>;

TEST_CASE("a build's number replaces every ${BUILDID}, and the identity stays") {
  auto file = read_valid(in_application("downloadurl: https://x/${BUILDID}/${BUILDID}.tar\n"
                                        "args: ['${BUILDID}${PORT1}${BUILDI', '-b=${BUILDID}']\n"
                                        "env: {B: '${BUILDID}'}"));
  auto built = std::get<groups>(for_build(file, {17, "r", "a", ""}));
  const auto& app = built[0].applications[0];
  CHECK(app.download_url == "https://x/17/17.tar");
  CHECK(app.args == std::vector<std::string>{"17${PORT1}${BUILDI", "-b=17"});
  CHECK(app.env.at("B") == "17");
  CHECK(app.name == "b");
}

TEST_CASE("the group's name replaces ${GROUP}, and what only the machine knows stays") {
  auto file = read_valid(in_application("downloadurl: /x\nargs: ['${GROUP}-${MACHINE}']\n"
                                        "env: {A: '${GROUP} ${HOSTNAME}'}"));
  auto built = std::get<groups>(for_build(file, {17, "", "", ""}));
  CHECK(built[0].applications[0].args == std::vector<std::string>{"g-${MACHINE}"});
  CHECK(built[0].applications[0].env.at("A") == "g ${HOSTNAME}");
}

TEST_CASE("a binary that carries the build's number keeps one identity across builds") {
  auto file = read_valid("namespace: n\ngroups: [{groupid: g, applications: [{downloadurl: "
                         "\"/srv/tool-${BUILDID}\"}]}]\n");
  auto built = std::get<groups>(for_build(file, {17, "", "", ""}));
  CHECK(built[0].applications[0].binary == "tool-17");
  CHECK(built[0].applications[0].name == "tool-${BUILDID}");
}

TEST_CASE("a build fills in what an application does not give") {
  std::string given(64, 'a'), of_build(64, 'B');
  auto file = read_valid("namespace: n\n"
                         "groups:\n"
                         "  - groupid: g\n"
                         "    applications:\n"
                         "      - {binary: a, downloadurl: /x}\n"
                         "      - {binary: b, downloadurl: /x, repository: own, artefactid: mine, "
                         "sha256: "
                         + given + "}\n");
  auto built = std::get<groups>(for_build(file, {1, "theirs", "art", of_build}));
  const auto& apps = built[0].applications;
  CHECK(apps[0].repository == "theirs");
  CHECK(apps[0].artifact_id == "art");
  CHECK(apps[0].sha256 == std::string(64, 'b'));
  CHECK(apps[1].repository == "own");
  CHECK(apps[1].artifact_id == "mine");
  CHECK(apps[1].sha256 == given);
}

TEST_CASE("an application without downloadurl cannot be built, and is told with its line") {
  auto file = read_valid(in_application("instances: 1"));
  CHECK(to_lines(std::get<mistakes>(for_build(file, {1, "", "", ""})))
        == "5:9: `b` has no `downloadurl`; it cannot be deployed without one\n");
  file.undeployable.clear();
  CHECK(to_lines(std::get<mistakes>(for_build(file, {1, "", "", ""})))
        == "0:0: `b` has no `downloadurl`; it cannot be deployed without one\n");
}

TEST_CASE("a build's sha256 must be one") {
  auto file = read_valid(in_application("downloadurl: /x"));
  CHECK(to_lines(std::get<mistakes>(for_build(file, {1, "", "", "xyz"})))
        == "0:0: the build's sha256 is `xyz`; expected 64 hex digits\n");
}

} // namespace

} // namespace deployminator::configs
