#include "deploy-configs/fields.hpp"

#include "deploy-configs/meant_value.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::configs {

namespace {

constexpr std::size_t max_mistakes = 1000;

} // namespace

std::string_view shape_of(const yaml_node& node) {
  switch (node.kind) {
    case yaml_node::shape::null:
      return "empty";
    case yaml_node::shape::text:
      return "a single value";
    case yaml_node::shape::list:
      return "a list";
    case yaml_node::shape::map:
      return "a map";
  }
  return "unknown";
}

fields::fields(const yaml_node& map, std::string what, std::vector<mistake>& mistakes, letters keys)
  : what_(std::move(what)), mistakes_(mistakes), keys_(keys) {
  if (map.kind == yaml_node::shape::map)
    collect(map);
  else if (map.kind != yaml_node::shape::null)
    fail(map,
         fmt::format("this is {}; expected {}, written as `key: value`", shape_of(map), what_));
}

void fields::collect(const yaml_node& map) {
  std::vector<const yaml_node*> merges;
  std::map<std::string, const yaml_node*> here;
  for (const auto& [key, value] : map.entries) {
    if (key->kind != yaml_node::shape::text) {
      fail(*key, fmt::format("this key is {}; expected a key of {}", shape_of(*key), what_));
      continue;
    }
    auto name = keys_ == letters::any_case ? lower(key->text) : key->text;
    bool merges_others = key->text == "<<" && !key->quoted;
    auto [first, is_new] = here.try_emplace(merges_others ? "<<" : "k" + name, key.get());
    if (!is_new)
      fail(*key,
           fmt::format("the key {} stands here twice, first in line {}, column {}; expected it "
                       "once{}",
                       in_ticks(key->text), first->second->line, first->second->column,
                       merges_others ? ", with a list of maps" : ""));
    if (merges_others)
      merges.push_back(value.get());
    else
      fields_.try_emplace(std::move(name), field{key.get(), value.get()});
  }
  for (const auto* each : merges)
    merge(*each);
}

void fields::merge(const yaml_node& value) {
  auto merge_map = [&](const yaml_node& map) {
    if (map.kind == yaml_node::shape::map)
      collect(map);
    else
      fail(map, fmt::format("`<<` is given {}; expected a map, or a list of maps", shape_of(map)));
  };
  if (value.kind != yaml_node::shape::list)
    return merge_map(value);
  for (const auto& each : value.items)
    merge_map(*each);
}

const yaml_node* fields::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end())
    known_.emplace_back(key);
  auto found = fields_.find(key);
  if (found == fields_.end() || found->second.value->kind == yaml_node::shape::null)
    return nullptr;
  return found->second.value;
}

const yaml_node* fields::find_text(std::string_view key, std::string_view expected) {
  const auto* node = find(key);
  if (node == nullptr || node->kind == yaml_node::shape::text)
    return node;
  fail(*node, fmt::format("`{}` is {}; expected {}", key, shape_of(*node), expected));
  return nullptr;
}

const yaml_node* fields::find_list(std::string_view key, std::string_view expected) {
  const auto* node = find(key);
  if (node == nullptr || node->kind == yaml_node::shape::list)
    return node;
  fail(*node, fmt::format("`{}` is {}; expected {}", key, shape_of(*node), expected));
  return nullptr;
}

void fields::read(std::string_view key, std::string& out) {
  if (const auto* node = find_text(key, "a text"))
    out = node->text;
}

void fields::read(std::string_view key, bool& out) {
  read(key, out, parse_bool, "true or false");
}

void fields::read_integer(std::string_view key, std::int64_t low, std::int64_t high,
                          const std::function<void(std::int64_t)>& use) {
  std::optional<std::int64_t> value;
  read(
    key, value, [&](const std::string& text) { return parse_integer(text, low, high); },
    fmt::format("a whole number from {} to {}", low, high));
  if (value)
    use(*value);
}

void fields::read_megabytes(std::string_view key, std::int64_t low, std::int64_t high,
                            const std::function<void(std::int64_t)>& use) {
  std::optional<std::int64_t> value;
  read(
    key, value, [&](const std::string& text) { return parse_integer(text, low, high); },
    fmt::format("a whole number from {} to {}", low, high), size_hint);
  if (value)
    use(*value);
}

void fields::each(
  const std::function<void(const yaml_node& key, const yaml_node& value)>& use) const {
  for (const auto& [name, entry] : fields_)
    use(*entry.key, *entry.value);
}

void fields::nested(std::string_view key, const std::function<void(fields&)>& use, letters keys) {
  const auto* node = find(key);
  if (node == nullptr)
    return;
  if (node->kind != yaml_node::shape::map) {
    fail(*node, fmt::format("`{}` is {}; expected a map of its keys", key, shape_of(*node)));
    return;
  }
  fields below{*node, fmt::format("`{}`", key), mistakes_, keys};
  use(below);
  if (keys == letters::any_case)
    below.finish();
}

void fields::refuse_unless(std::string_view key, const std::set<std::string>& allowed,
                           std::string_view advice) {
  const auto* node = find(key);
  if (node == nullptr)
    return;
  bool single = node->kind == yaml_node::shape::text;
  if (single && allowed.count(lower(node->text)) > 0)
    return;
  auto asked = single ? fmt::format("{}: {}", key, shown(node->text)) : std::string{key};
  fail(*node, fmt::format("`{}` is not supported yet; {}", asked, advice));
}

void fields::fail(const yaml_node& at, std::string message) {
  if (mistakes_.size() < max_mistakes)
    mistakes_.push_back({at.line, at.column, std::move(message)});
}

void fields::fail_expected(std::string_view key, const yaml_node& at, std::string_view expected) {
  fail(at, fmt::format("`{}` is {}; expected {}", key, in_ticks(at.text), expected));
}

void fields::finish() {
  for (const auto& [name, each] : fields_) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()
        || mistakes_.size() >= max_mistakes)
      continue;
    auto meant = probably_meant(name, known_);
    fail(*each.key, fmt::format("unknown key {} in {}; {}", in_ticks(each.key->text), what_,
                                meant ? fmt::format("did you mean `{}`?", *meant)
                                      : fmt::format("expected {}", enumerated(known_))));
  }
}

} // namespace deployminator::configs
