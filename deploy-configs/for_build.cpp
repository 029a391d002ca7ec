#include "deploy-configs/application_reader.hpp"
#include "deploy-configs/deploy_file.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

namespace deployminator::configs {

namespace {

void fill_in(messages::application& app, const build& b) {
  app.download_url = with_build(app.download_url, b.number);
  app.binary = with_build(app.binary, b.number);
  for (auto& each : app.args)
    each = with_build(each, b.number);
  for (auto& [key, value] : app.env)
    value = with_build(value, b.number);
  if (app.repository.empty())
    app.repository = b.repository;
  if (app.artifact_id.empty())
    app.artifact_id = b.artifact_id;
  if (app.sha256.empty())
    app.sha256 = lower(b.sha256);
}

/// The remarks say where the applications without `downloadurl` stand; a definition that was not
/// read from a file has none.
std::vector<mistake> missing_downloads(const deploy_file& file) {
  if (!file.remarks.empty())
    return file.remarks;
  std::vector<mistake> missing;
  for (const auto& group : file.groups)
    for (const auto& app : group.applications)
      if (app.download_url.empty())
        missing.push_back({0, 0, without_download(app)});
  return missing;
}

} // namespace

std::string with_build(const std::string& text, std::uint64_t number) {
  constexpr std::string_view variable = "${BUILDID}";
  std::string out;
  std::size_t done = 0;
  for (auto at = text.find(variable); at != std::string::npos; at = text.find(variable, done)) {
    out.append(text, done, at - done);
    out += std::to_string(number);
    done = at + variable.size();
  }
  return out.append(text, done);
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
    for (auto& app : group.applications)
      fill_in(app, b);
  return groups;
}

} // namespace deployminator::configs
