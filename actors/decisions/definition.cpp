#include "actors/decisions/definition.hpp"

#include "messages/codec.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

namespace deployminator::actors {

using namespace messages;

namespace {

constexpr const char* mask = "***";

/// A value, and what people may see of it.
struct field_value {
  std::string whole;
  std::string shown;
};

/// By name.
using field_values = std::map<std::string, field_value>;

bool sounds_secret(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array words{"pass", "pwd", "secret", "token", "key", "credential", "auth"};
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return name.find(word) != std::string::npos; });
}

/// The key of deploy.yaml for a field of the wire.
std::string key_for(const std::string& name) {
  static const std::map<std::string, std::string> keys{
    {"download_url", "downloadurl"},
    {"download_user", "downloaduser"},
    {"download_password", "downloadpassword"},
    {"download_token", "downloadtoken"},
    {"artifact_id", "artefactid"},
    {"per_machine", "instancesmeansperautodeployer"},
    {"machine_groups", "machines"},
    {"always_on", "alwayson"},
    {"discard_log", "discardlog"},
    {"limits.max_memory_mb", "limits.maxmemory"},
    {"limits.max_kill_memory_mb", "limits.maxkillmemory"},
    {"limits.max_swap_memory_mb", "limits.maxswapmemory"},
    {"limits.cpu_percent", "limits.cpu"},
    {"limits.open_files", "limits.openfiles"},
    {"limits.core_size_mb", "limits.coresize"},
    {"min_ready", "rollout.min_ready"},
    {"services", "autoregs"},
    {"type", "deploytype"},
    {"static_target_dir", "statictargetdir"},
  };
  auto found = keys.find(name);
  return found == keys.end() ? name : found->second;
}

/// msgpack writes a whole number of seconds as any other number.
bool is_duration(const std::string& name) {
  constexpr std::array<std::string_view, 8> ends{"deadline",    "min_ready", "backoff_min",
                                                 "backoff_max", "window",    "timeout",
                                                 "interval",    "after"};
  return std::any_of(ends.begin(), ends.end(), [&](auto end) { return name.ends_with(end); });
}

std::string text_of(const msgpack::object& o, const std::string& name = {}) {
  if (o.type == msgpack::type::STR)
    return o.as<std::string>();
  if (o.type == msgpack::type::NIL)
    return "none";
  std::ostringstream out;
  out << o;
  return out.str() + (is_duration(name) ? "s" : "");
}

/// An argument after `flag`.
std::string masked_argument(const std::string& flag, const std::string& text) {
  bool is_value = flag.starts_with('-') && flag.find('=') == std::string::npos;
  return masked(is_value ? flag : std::string{}, text);
}

field_value value_of_list(const msgpack::object_array& list) {
  field_value out{"[", "["};
  std::string before;
  for (const auto& each : std::span{list.ptr, list.size}) {
    auto text = text_of(each);
    const char* comma = out.whole.size() > 1 ? ", " : "";
    out.whole += comma + text;
    out.shown += comma + masked_argument(before, text);
    before = text;
  }
  out.whole += "]";
  out.shown += "]";
  return out;
}

void add_fields(field_values& to, const std::string& name, const msgpack::object& o) {
  if (o.type == msgpack::type::MAP) {
    for (const auto& each : std::span{o.via.map.ptr, o.via.map.size}) {
      auto key = each.key.as<std::string>();
      add_fields(to, name.empty() ? key : name + "." + key, each.val);
    }
    return;
  }
  if (o.type == msgpack::type::ARRAY)
    return static_cast<void>(to[key_for(name)] = value_of_list(o.via.array));
  auto text = text_of(o, name);
  bool may_be_secret = name.starts_with("env.") || name.starts_with("download_");
  to[key_for(name)] = {text, may_be_secret ? masked(name, text) : text};
}

std::string text_of_limit(const std::optional<std::uint64_t>& limit, const char* unit = "") {
  if (!limit)
    return "none";
  return limit == unlimited ? "unlimited" : fmt::format("{}{}", *limit, unit);
}

/// As deploy.yaml says them.
void put_limits(field_values& to, const resource_limits& limits) {
  auto put = [&](const char* key, std::string text) { to[key] = {text, text}; };
  to.erase("limits.bounds_address_space");
  put("limits.maxmemory",
      limits.bounds_address_space ? fmt::format("{}", limits.max_memory_mb) : "none");
  put("limits.maxkillmemory", text_of_limit(limits.max_kill_memory_mb));
  put("limits.maxswapmemory", text_of_limit(limits.max_swap_memory_mb));
  put("limits.cpu", text_of_limit(limits.cpu_percent, "%"));
  put("limits.processes", text_of_limit(limits.processes));
  put("limits.openfiles", text_of_limit(limits.open_files));
  put("limits.coresize", text_of_limit(limits.core_size_mb));
}

/// The health check as deploy.yaml writes it.
void tell_health(const health_rules& rules, field_values& to) {
  auto say = [&](const char* field, const std::string& text) { to[field] = {text, text}; };
  auto exec = to.extract("health.exec");
  std::erase_if(to, [](const auto& each) { return each.first.starts_with("health."); });
  if (rules.kind == health_kind::none)
    return;
  auto seconds
    = [](duration d) { return fmt::format("{}s", static_cast<double>(d.count()) / 1000); };
  auto port = std::to_string(rules.port);
  if (rules.kind == health_kind::http) {
    say("health.http", rules.path);
    say("health.port", port);
  } else if (rules.kind == health_kind::tcp) {
    say("health.tcp", port);
  } else if (rules.kind == health_kind::notify) {
    say("health.notify", "true");
    say("health.watchdog", rules.watchdog.count() == 0 ? "none" : seconds(rules.watchdog));
    return;
  } else {
    to.insert(std::move(exec));
  }
  say("health.interval", seconds(rules.interval));
  say("health.timeout", seconds(rules.timeout));
  say("health.failures", std::to_string(rules.failures));
}

field_values fields_of(const application& app) {
  field_values out;
  auto bytes = to_bytes(app);
  add_fields(out, "", msgpack::unpack(bytes.data(), bytes.size()).get());
  out.erase("id");
  out.erase("name");
  out.erase("rollout.parallel.value");
  out.erase("rollout.parallel.percent");
  put_limits(out, app.limits);
  auto parallel = app.rollout.parallel;
  auto text = fmt::format("{}{}", parallel.value, parallel.percent ? "%" : "");
  out["rollout.parallel"] = {text, text};
  if (app.sha256.empty())
    out.erase("sha256");
  tell_health(app.health, out);
  return out;
}

} // namespace

std::string masked(const std::string& name, const std::string& text) {
  if (!text.empty() && sounds_secret(name))
    return mask;
  auto assigned = text.find('=');
  auto scheme = text.find("://");
  if (assigned != std::string::npos && assigned < scheme) {
    auto variable = text.substr(0, assigned);
    return variable + "=" + masked(variable, text.substr(assigned + 1));
  }
  return scheme == std::string::npos ? text : public_url(text);
}

std::vector<field_difference> differences(const application* before, const application* after) {
  application usual;
  usual.limits.bounds_address_space = false;
  auto had = fields_of(before ? *before : usual);
  auto has = fields_of(after ? *after : usual);
  std::vector<field_difference> out;
  auto shown = [](const application* of, const field_values& values, const std::string& field) {
    auto found = values.find(field);
    return of && found != values.end() ? std::optional{found->second.shown} : std::nullopt;
  };
  auto note = [&](const std::string& field) {
    field_difference each{field, shown(before, had, field), shown(after, has, field)};
    if (each.before && each.after == each.before)
      *each.after += " (changed)";
    out.push_back(std::move(each));
  };
  for (const auto& [field, value] : has)
    if (auto known = had.find(field); known == had.end() || known->second.whole != value.whole)
      note(field);
  for (const auto& [field, value] : had)
    if (!has.contains(field) && field != "sha256")
      note(field);
  return out;
}

} // namespace deployminator::actors
