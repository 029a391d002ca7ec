#include "deploy-configs/health_reader.hpp"

#include "deploy-configs/meant_value.hpp"
#include "deploy-configs/program_size.hpp"
#include "deploy-configs/values.hpp"
#include "deploy-configs/variables.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace deployminator::configs {

namespace {

using messages::health_kind;

/// More often would be work for nothing.
constexpr messages::duration shortest_check{100};
constexpr std::size_t longest_path = 1024;
constexpr std::size_t most_exec_words = 100;

std::optional<messages::duration> parse_check_time(const std::string& text) {
  auto time = parse_duration(text);
  return time && *time >= shortest_check ? time : std::nullopt;
}

/// What can stand in the first line of a request as it is.
std::optional<std::string> parse_path(const std::string& text) {
  bool is_path = text.starts_with('/') && text.size() <= longest_path;
  for (char c : text)
    is_path = is_path && c > ' ' && c < 127 && c != '#';
  return is_path ? std::optional{text} : std::nullopt;
}

std::optional<std::uint32_t> parse_port_index(const std::string& text) {
  auto n = parse_integer(text, 1, 100);
  return n ? std::optional{static_cast<std::uint32_t>(*n)} : std::nullopt;
}

constexpr std::string_view port_expected = "n of `${PORTn}`, from 1 to 100";

/// A word of `exec`; the first one names the program.
void read_exec_word(fields& in, const yaml_node& item, messages::health_rules& rules) {
  if (item.kind == yaml_node::shape::list || item.kind == yaml_node::shape::map)
    return in.fail(
      item, fmt::format("this entry of `exec` is {}; expected a text in quotes", shape_of(item)));
  bool is_program = rules.exec.empty();
  rules.exec.push_back(item.text);
  if (auto wrong = wrong_variable(item.text))
    in.fail(item, fmt::format("`exec` holds {}", *wrong));
  else if (item.text.find("${SECURE-") != std::string::npos)
    in.fail(item,
            "`exec` holds `${SECURE-…}`, which is not supported yet; expected a value without "
            "secrets");
  else if (auto too_big = too_long("this entry of `exec`", item.text.size()))
    in.fail(item, *too_big);
  auto wrong = is_program && !item.text.starts_with('/') ? wrong_binary(item.text) : std::nullopt;
  if (is_program && (item.text.empty() || item.text.find("${") != std::string::npos))
    in.fail(item, fmt::format("`exec` begins with {}; expected the path of a program in the "
                              "artifact, or a program of the machine",
                              in_ticks(item.text)));
  else if (wrong)
    in.fail(item, fmt::format("`exec` begins with {}, which {}", in_ticks(item.text), *wrong));
}

void read_exec(fields& in, messages::health_rules& rules) {
  const auto* list = in.find_list("exec", "a list such as [check, -q]");
  if (list == nullptr)
    return;
  if (list->items.empty() || list->items.size() > most_exec_words)
    in.fail(*list, fmt::format("`exec` has {} entries; expected a program and its arguments, at "
                               "most {} in all",
                               list->items.size(), most_exec_words));
  for (const auto& item : list->items)
    read_exec_word(in, *item, rules);
}

/// The kind of check that is given, of which there is to be one, or nothing.
const yaml_node* read_kind(fields& in, messages::health_rules& rules) {
  const yaml_node* first = nullptr;
  for (auto kind : {health_kind::http, health_kind::tcp, health_kind::notify, health_kind::exec}) {
    const auto* node = in.find(messages::to_text(kind));
    if (node == nullptr)
      continue;
    if (first != nullptr) {
      in.fail(*node, fmt::format("`health` has `{}` beside `{}`; expected one of the two",
                                 messages::to_text(kind), messages::to_text(rules.kind)));
      continue;
    }
    first = node;
    rules.kind = kind;
  }
  return first;
}

/// Refuses a key that says nothing beside the kind of check that is given.
void refuse_beside(fields& in, std::string_view key, std::string_view needed) {
  if (const auto* node = in.find(key))
    in.fail(*node, fmt::format("`{}` means nothing here; expected it beside {} only", key, needed));
}

void read_way(fields& in, messages::health_rules& rules) {
  if (rules.kind == health_kind::http)
    rules.port = 1;
  in.read("http", rules.path, parse_path,
          "a path such as /health, without blanks, of at most 1024 bytes");
  in.read("tcp", rules.port, parse_port_index, port_expected);
  if (rules.kind == health_kind::http)
    in.read("port", rules.port, parse_port_index, port_expected);
  else
    refuse_beside(in, "port", "`http`");
  bool notifies = true;
  in.read("notify", notifies);
  read_exec(in, rules);
  if (rules.kind == health_kind::notify && !notifies)
    rules.kind = health_kind::none;
}

void read_times(fields& in, messages::health_rules& rules) {
  constexpr std::string_view expected = "a duration such as 2s, from 100ms";
  if (rules.kind == health_kind::notify) {
    for (const char* key : {"interval", "timeout", "failures"})
      refuse_beside(in, key, "`http`, `tcp` or `exec`");
    return in.read("watchdog", rules.watchdog, parse_check_time,
                   "a duration such as 30s, from 100ms", duration_hint);
  }
  refuse_beside(in, "watchdog", "`notify: true`");
  in.read("interval", rules.interval, parse_check_time, expected, duration_hint);
  in.read("timeout", rules.timeout, parse_check_time, expected, duration_hint);
  in.read_integer("failures", 1, 100,
                  [&](std::int64_t n) { rules.failures = static_cast<std::uint32_t>(n); });
}

} // namespace

void read_health(fields& in, messages::application& app) {
  const auto* node = in.find("health");
  if (node == nullptr)
    return;
  if (node->kind == yaml_node::shape::text) {
    auto text = lower(node->text);
    if (!text.empty() && text != "none" && text != "false")
      in.fail_expected("health", *node, "`none`, or a map such as {http: /health, port: 1}");
    return;
  }
  auto& rules = app.health;
  in.nested("health", [&](fields& health) {
    if (read_kind(health, rules) == nullptr)
      health.fail(*node, "`health` says no way to check; expected one of `http`, `tcp`, `notify` "
                         "and `exec`");
    read_way(health, rules);
    read_times(health, rules);
  });
  if (rules.kind == health_kind::none)
    rules = {};
  else if (!app.always_on)
    in.fail(*node, "`health` is given to a job; expected `alwayson: true` beside it");
  else
    rules.start_within = app.rollout.deadline;
}

} // namespace deployminator::configs
