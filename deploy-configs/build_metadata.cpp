#include "deploy-configs/build_metadata.hpp"

#include "deploy-configs/fields.hpp"

#include <limits>

namespace deployminator::configs {

std::variant<build_metadata, std::vector<mistake>> read_build_metadata(const std::string& text) {
  auto document = read_yaml(text);
  if (const auto* bad = std::get_if<mistake>(&document))
    return std::vector{*bad};
  const auto& root = *std::get<yaml_node::pointer>(document);
  if (root.kind != yaml_node::shape::map)
    return std::vector{mistake{root.line, root.column, "expected a map with `repositoryid`"}};
  std::vector<mistake> mistakes;
  build_metadata out;
  fields in{root, "a build.yaml", mistakes};
  in.read_integer("repositoryid", 1, std::numeric_limits<std::int64_t>::max(),
                  [&](std::int64_t n) { out.repository = std::to_string(n); });
  if (out.repository.empty() && mistakes.empty())
    mistakes.push_back({root.line, root.column, "`repositoryid` is missing; expected a number"});
  if (!mistakes.empty())
    return mistakes;
  return out;
}

} // namespace deployminator::configs
