#include "cli/build_tree.hpp"

#include "cli/arguments.hpp"
#include "cli/build_input.hpp"
#include "cli/local_file.hpp"
#include "deploy-configs/build_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

namespace deployminator::cli {

namespace {

namespace fs = std::filesystem;

setback unreadable_tree(const fs::path& path, const std::string& reason) {
  return {exit_code::usage,
          {messages::failure_code::invalid,
           fmt::format("{}: cannot be read: {}", path.string(), reason),
           "name the directory of a build repository, with artefacts/NAME/BRANCH/BUILD and "
           "metadata/NAME/BRANCH/BUILD below it"}};
}

/// The directories in a directory; what is no directory does not belong to the tree.
std::vector<fs::path> directories_in(const fs::path& path) {
  std::vector<fs::path> out;
  std::error_code error;
  fs::directory_iterator at{path, error};
  for (; !error && at != fs::directory_iterator{}; at.increment(error)) {
    std::error_code unknown;
    if (at->is_directory(unknown))
      out.push_back(at->path());
  }
  if (error)
    throw unreadable_tree(path, error.message());
  return out;
}

struct dated_build {
  stored_build what;
  fs::file_time_type written;
};

/// Nothing where the directory is no build's, or has no deploy.yaml.
std::optional<dated_build> build_in(const fs::path& root, const fs::path& directory) {
  auto number = number_from_text(directory.filename().string());
  auto file = directory / "deployment" / "deploy.yaml";
  std::error_code error;
  if (!number || *number == 0 || !fs::is_regular_file(file, error))
    return std::nullopt;
  auto branch = directory.parent_path();
  auto artifact = branch.parent_path().filename();
  auto metadata = root / "metadata" / artifact / branch.filename() / directory.filename();
  auto written = fs::last_write_time(file, error);
  return dated_build{{artifact.string(), branch.filename().string(), *number, file.string(),
                      (metadata / "build.yaml").string()},
                     written};
}

std::optional<dated_build> newest_below(const fs::path& root, const fs::path& artifact) {
  std::optional<dated_build> out;
  for (const auto& branch : directories_in(artifact))
    for (const auto& each : directories_in(branch)) {
      auto found = build_in(root, each);
      bool is_newer = found
                      && (!out
                          || std::pair{found->what.build, found->written}
                               > std::pair{out->what.build, out->written});
      if (is_newer)
        out = std::move(found);
    }
  return out;
}

setback bad_file(const std::string& file, const std::vector<configs::mistake>& mistakes) {
  std::vector<std::string> lines;
  for (const auto& each : mistakes)
    lines.push_back(configs::to_text(file, each));
  return {exit_code::usage,
          {messages::failure_code::invalid, fmt::format("{}", fmt::join(lines, "\n")), ""}};
}

} // namespace

std::vector<stored_build> newest_builds(const std::string& directory) {
  fs::path root{directory};
  std::vector<stored_build> out;
  for (const auto& artifact : directories_in(root / "artefacts"))
    if (auto newest = newest_below(root, artifact))
      out.push_back(std::move(newest->what));
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.artifact < b.artifact; });
  return out;
}

messages::submit_build order_for(const stored_build& build) {
  auto metadata = configs::read_build_metadata(read_text(build.metadata_file));
  if (const auto* mistakes = std::get_if<1>(&metadata))
    throw bad_file(build.metadata_file, *mistakes);
  messages::submit_build out;
  out.file_name = build.deploy_file;
  out.file = read_text(build.deploy_file);
  out.build = build.build;
  out.repository = std::get<0>(metadata).repository;
  out.artifact_id = build.artifact;
  out.branch = build.branch;
  if (auto mistakes = mistakes_of(out); !mistakes.empty())
    throw bad_file(build.deploy_file, mistakes);
  return out;
}

} // namespace deployminator::cli
