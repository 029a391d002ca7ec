#include "deploy-configs/deploy_file.hpp"

#include "deploy-configs/application_reader.hpp"
#include "deploy-configs/fields.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace deployminator::configs {

namespace {

/// Reads the groups of one file and keeps what is found on the way.
class file_reader {
public:
  deploy_file file;
  std::vector<mistake> mistakes;

  void read(const yaml_node& root) {
    fields in{root, "a deploy.yaml", mistakes};
    if (root.kind == yaml_node::shape::text || root.kind == yaml_node::shape::list)
      return;
    auto default_namespace = read_name(in, "namespace");
    const auto* list = in.find_list("groups", "a list of groups");
    in.finish();
    bool given = list != nullptr || in.find("groups") != nullptr;
    if (!given || (list != nullptr && list->items.empty()))
      in.fail(list != nullptr ? *list : root,
              "this file has no group; expected `groups:` with a list of at least one");
    if (list != nullptr)
      for (const auto& each : list->items)
        read_group(*each, default_namespace);
  }

private:
  /// The name, also where it is no good one, so that one mistake does not lead to others.
  std::string read_name(fields& in, std::string_view key) {
    const auto* node = in.find_text(key, safe_name_expected);
    if (node == nullptr)
      return {};
    if (!node->text.empty() && !is_safe_name(node->text))
      in.fail_expected(key, *node, safe_name_expected);
    return node->text;
  }

  void read_group(const yaml_node& node, const std::string& default_namespace) {
    fields in{node, "a group", mistakes};
    if (node.kind == yaml_node::shape::text || node.kind == yaml_node::shape::list)
      return;
    group_definition group;
    group.name = read_name(in, "groupid");
    auto synonym = read_name(in, "groupname");
    if (!group.name.empty() && !synonym.empty() && group.name != synonym)
      in.fail(*in.find("groupname"),
              fmt::format("`groupname` is {}, but `groupid` is {}; expected one of them",
                          in_ticks(synonym), in_ticks(group.name)));
    if (group.name.empty())
      group.name = synonym;
    group.namespace_ = read_name(in, "namespace");
    if (group.namespace_.empty())
      group.namespace_ = default_namespace;
    check_identity(in, node, group);
    read_applications(in, node, group);
    in.finish();
    file.groups.push_back(std::move(group));
  }

  void check_identity(fields& in, const yaml_node& node, const group_definition& group) {
    if (group.name.empty() && in.find("groupid") == nullptr && in.find("groupname") == nullptr)
      in.fail(node, "this group has no name; expected `groupid: NAME`");
    else if (group.name.empty())
      in.fail(node, "this group's name is empty; expected `groupid: NAME`");
    if (group.namespace_.empty())
      in.fail(node, fmt::format("the group {} has no namespace; expected `namespace: NAME` in it "
                                "or at the top of the file",
                                in_ticks(group.name)));
    if (group.name.empty())
      return;
    auto [first, is_new] = groups_.try_emplace({group.namespace_, group.name}, node.line);
    if (!is_new)
      in.fail(node, fmt::format("the group {} stands here twice, first in line {}; expected its "
                                "applications in one group",
                                in_ticks(group.namespace_ + "/" + group.name), first->second));
  }

  void read_applications(fields& in, const yaml_node& node, group_definition& group) {
    const auto* list = in.find_list("applications", "a list of applications");
    bool given = list != nullptr || in.find("applications") != nullptr;
    if (!given || (list != nullptr && list->items.empty()))
      in.fail(list != nullptr ? *list : node,
              fmt::format("the group {} has no applications; expected `applications:` with a list "
                          "of at least one",
                          in_ticks(group.name)));
    if (list == nullptr)
      return;
    std::map<std::string, std::size_t> seen;
    for (const auto& each : list->items) {
      auto app = read_application(*each, mistakes, file.remarks);
      if (app.download_url.empty())
        file.undeployable.push_back({each->line, each->column, without_download(app)});
      auto [first, is_new] = seen.try_emplace(app.name, each->line);
      if (!is_new && !app.name.empty())
        in.fail(*each, fmt::format("two applications of this group are called {}, the first in "
                                   "line {}; expected a `name` of its own for each",
                                   in_ticks(app.name), first->second));
      group.applications.push_back(std::move(app));
    }
  }

  /// Namespace and name of each group, with its line.
  std::map<std::pair<std::string, std::string>, std::size_t> groups_;
};

} // namespace

std::variant<deploy_file, std::vector<mistake>> read_deploy_file(const std::string& text) {
  auto document = read_yaml(text);
  if (auto* wrong = std::get_if<mistake>(&document))
    return std::vector{std::move(*wrong)};
  file_reader reader;
  reader.read(*std::get<yaml_node::pointer>(document));
  // What an alias repeats is one mistake to the person who wrote it once.
  for (auto* list : {&reader.mistakes, &reader.file.remarks}) {
    sort_by_position(*list);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  if (reader.mistakes.empty())
    return std::move(reader.file);
  return std::move(reader.mistakes);
}

} // namespace deployminator::configs
