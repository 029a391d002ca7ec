#pragma once

#include "messages/application.hpp"

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace deployminator::configs {

/// Something in a file that a person has to look at.
struct mistake {
  /// From 1; 0 where the whole file is meant.
  std::size_t line = 0;
  std::size_t column = 0;
  /// One sentence: what is there and what was expected, with the key that was probably meant.
  std::string message;

  bool operator==(const mistake&) const = default;
};

/// `file:line:column: message`, as compilers print it.
std::string to_text(const std::string& file_name, const mistake& m);

/// A group as a deploy.yaml describes it.
struct group_definition {
  std::string namespace_;
  std::string name;
  /// Defaults filled in; `download_url` still holds `${BUILDID}`.
  std::vector<messages::application> applications;
};

/// A deploy.yaml without mistakes. `remarks` are not errors: what will be refused later unless
/// something is added (an application without `downloadurl`).
struct deploy_file {
  std::vector<group_definition> groups;
  std::vector<mistake> remarks;
};

/// Reads a deploy.yaml; finds every mistake, not just the first. Never throws.
std::variant<deploy_file, std::vector<mistake>> read_deploy_file(const std::string& text);

/// What the one call of a build repository says of a build.
struct build {
  std::uint64_t number = 0;
  std::string repository;
  std::string artifact_id;
  /// For applications that give none.
  std::string sha256;
};

/// The file's groups for one build: `${BUILDID}` replaced, and repository, artifact id and sha256
/// filled in where an application gives none. Or what is missing to deploy it.
std::variant<std::vector<group_definition>, std::vector<mistake>> for_build(const deploy_file& file,
                                                                            const build& b);

} // namespace deployminator::configs
