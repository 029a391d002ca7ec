#include "deploy-configs/kind_reader.hpp"

#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace deployminator::configs {

namespace {

const std::set<std::string> asks_for_nothing{"", "false", "no", "off", "none"};

bool asks(const yaml_node& node) {
  if (node.kind == yaml_node::shape::list)
    return !node.items.empty();
  return node.kind == yaml_node::shape::map || !asks_for_nothing.contains(lower(node.text));
}

void refuse(fields& in, std::string_view key, const yaml_node& node,
            const messages::application& app) {
  in.fail(node,
          fmt::format("`{}` is given beside `deploytype: {}`, which runs no program; expected "
                      "no such key",
                      key, messages::to_text(app.type)));
}

/// Why files cannot be found under this path; nothing if they can.
std::optional<std::string> wrong_target(const std::string& path) {
  constexpr std::string_view expected = "expected an absolute path such as `/srv/www/shop`";
  if (has_control(path) || path.size() > 1000)
    return fmt::format("holds control characters or is longer than 1000 bytes; {}", expected);
  if (path.find("${") != std::string::npos)
    return fmt::format("holds a variable; {}", expected);
  std::filesystem::path parts{path};
  bool is_plain = parts.is_absolute() && parts.has_filename() && parts.lexically_normal() == parts;
  return is_plain
           ? std::nullopt
           : std::optional{fmt::format("{}, without `..` and without `/` at its end", expected)};
}

} // namespace

void read_rerun(fields& in, messages::application& app) {
  in.read("rerun", app.rerun);
  const auto* node = in.find("rerun");
  if (app.rerun && app.always_on)
    in.fail(*node, "`rerun: true` is given to an application that always runs; expected "
                   "`alwayson: false` beside it");
}

void read_java(fields& in, const yaml_node& node, messages::application& app) {
  in.read("java", app.java);
  if (!app.java)
    return;
  if (const auto* interpreter = in.find("interpreter"))
    in.fail(*interpreter, "`interpreter` is given beside `java: true`; expected one of the two, "
                          "for `java: true` runs the machine's java");
  const auto* binary = in.find("binary");
  if (app.binary.empty())
    in.fail(node, "this application has `java: true` and no `binary`; expected the name of its "
                  "main class, such as `binary: com.example.Main`");
  else if (app.binary.find('/') != std::string::npos || app.binary.ends_with(".jar"))
    in.fail(*binary, fmt::format("`binary` is {}; expected the name of a main class beside "
                                 "`java: true`, such as `com.example.Main`",
                                 in_ticks(app.binary)));
}

void read_deploy_type(fields& in, const yaml_node& node, messages::application& app) {
  in.read(
    "deploytype", app.type,
    [](const std::string& text) -> std::optional<messages::deploy_type> {
      if (text.empty())
        return messages::deploy_type::program;
      auto type = messages::from_text<messages::deploy_type>(lower(text));
      return type == messages::deploy_type::program ? std::nullopt : type;
    },
    "an empty text, `webpackage` or `staticfiles`");
  std::string target;
  in.read("statictargetdir", target);
  // The machine chooses where a web package is found, and a program has no such place.
  if (app.type != messages::deploy_type::static_files)
    return;
  app.static_target_dir = target;
  if (target.empty())
    in.fail(node, "this application has `deploytype: staticfiles` and no `statictargetdir`; "
                  "expected where its files are to be found, such as `statictargetdir: "
                  "/srv/www/shop`");
  else if (auto wrong = wrong_target(target))
    in.fail(*in.find("statictargetdir"),
            fmt::format("`statictargetdir` is {}; {}", in_ticks(target), *wrong));
}

void refuse_for_files(fields& in, const yaml_node& node, messages::application& app) {
  if (!messages::is_published(app))
    return;
  constexpr std::array<std::string_view, 12> of_programs{
    "args", "env",  "interpreter", "java",  "limits",     "health",
    "stop", "data", "restart",     "rerun", "discardlog", "autoregs"};
  for (auto key : of_programs)
    if (const auto* given = in.find(key); given != nullptr && asks(*given))
      refuse(in, key, *given, app);
  if (const auto* given = in.find("alwayson"); given != nullptr && !app.always_on)
    in.fail(*given, fmt::format("`alwayson: false` is given beside `deploytype: {}`, which is no "
                                "job; expected `alwayson: true`",
                                messages::to_text(app.type)));
  if (app.per_machine && app.instances > 1)
    in.fail(node, fmt::format("this application has `deploytype: {}` and {} instances on each "
                              "machine; expected 1, for all would be found under one path",
                              messages::to_text(app.type), app.instances));
  app.max_per_machine = 1;
  app.min_ready = messages::duration{0};
  app.limits = {};
  app.limits.max_memory_mb = 0;
}

void refuse_rollout_for_files(fields& rollout, messages::application& app) {
  if (!messages::is_published(app))
    return;
  for (std::string_view key : {"min_ready", "order"})
    if (const auto* given = rollout.find(key))
      refuse(rollout, key, *given, app);
}

void read_critical(fields& in, messages::application& app) {
  in.read("critical", app.critical);
  if (app.critical && !app.always_on)
    in.fail(*in.find("critical"), "`critical: true` is given to an application with `alwayson: "
                                  "false`; expected `alwayson: true` beside it");
}

void refuse_unsupported(fields& in) {
  in.refuse_unless("asroot", {"false", "no", "off"}, "expected `false`");
  in.refuse_unless("container", {"false", "no", "off", ""}, "expected `false` or no such key");
}

} // namespace deployminator::configs
