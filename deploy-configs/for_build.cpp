#include "deploy-configs/application_reader.hpp"
#include "deploy-configs/deploy_file.hpp"
#include "deploy-configs/program_size.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

namespace deployminator::configs {

namespace {

/// What no machine could start with the values that are known now.
void check_size(const messages::application& app, std::vector<mistake>& mistakes) {
  auto add = [&](const std::optional<std::string>& wrong) {
    if (wrong)
      mistakes.push_back({0, 0, fmt::format("{}: {}", in_ticks(app.name), *wrong)});
  };
  for (const auto& each : app.args)
    add(too_long("an entry of `args`", each.size()));
  for (const auto& [key, value] : app.env)
    add(too_long(fmt::format("{} in `env`", in_ticks(key)), key.size() + 1 + value.size()));
  add(too_much(app));
}

void fill_in(messages::application& app, const group_definition& group, const build& b) {
  app.download_url = with_build(app.download_url, b.number);
  app.binary = with_build(app.binary, b.number);
  auto known = [&](const std::string& text) {
    return messages::with_variable(with_build(text, b.number), "GROUP", group.name);
  };
  for (auto& each : app.args)
    each = known(each);
  for (auto& each : app.health.exec)
    each = known(each);
  for (auto& [key, value] : app.env)
    value = known(value);
  if (app.repository.empty())
    app.repository = b.repository;
  if (app.artifact_id.empty())
    app.artifact_id = b.artifact_id;
  if (app.sha256.empty())
    app.sha256 = lower(b.sha256);
}

/// The reader says where the applications without `downloadurl` stand; a definition that was not
/// read from a file has no places.
std::vector<mistake> missing_downloads(const deploy_file& file) {
  if (!file.undeployable.empty())
    return file.undeployable;
  std::vector<mistake> missing;
  for (const auto& group : file.groups)
    for (const auto& app : group.applications)
      if (app.download_url.empty())
        missing.push_back({0, 0, without_download(app)});
  return missing;
}

} // namespace

std::string with_build(const std::string& text, std::uint64_t number) {
  return messages::with_variable(text, "BUILDID", std::to_string(number));
}

std::string without_download(const messages::application& app) {
  return fmt::format("{} has no `downloadurl`; it cannot be deployed without one",
                     app.name.empty() ? "this application" : in_ticks(app.name));
}

std::variant<std::vector<group_definition>, std::vector<mistake>> for_build(const deploy_file& file,
                                                                            const build& b) {
  auto mistakes = missing_downloads(file);
  if (!b.sha256.empty() && !is_sha256(b.sha256))
    mistakes.push_back(
      {0, 0, fmt::format("the build's sha256 is {}; expected 64 hex digits", in_ticks(b.sha256))});
  if (!mistakes.empty())
    return mistakes;
  auto groups = file.groups;
  for (auto& group : groups)
    for (auto& app : group.applications) {
      fill_in(app, group, b);
      check_size(app, mistakes);
    }
  if (!mistakes.empty())
    return mistakes;
  return groups;
}

} // namespace deployminator::configs
