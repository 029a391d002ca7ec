#include "deploy-configs/application_reader.hpp"

#include "deploy-configs/fields.hpp"
#include "deploy-configs/health_reader.hpp"
#include "deploy-configs/kind_reader.hpp"
#include "deploy-configs/limits_reader.hpp"
#include "deploy-configs/meant_value.hpp"
#include "deploy-configs/program_size.hpp"
#include "deploy-configs/values.hpp"
#include "deploy-configs/variables.hpp"
#include "messages/known_strategies.hpp"
#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace deployminator::configs {

namespace {

constexpr std::int64_t max_instances = 100'000;
constexpr std::string_view duration_expected = "a duration such as 500ms, 5s, 2m or 1h";

/// Reads a duration that may be 0, such as `min_ready`.
void read_duration(fields& in, std::string_view key, messages::duration& out) {
  in.read(key, out, parse_duration, duration_expected, duration_hint);
}

/// Refuses what asks for a secret.
void refuse_secret(fields& in, std::string_view key, const yaml_node& node) {
  if (node.text.find("${SECURE-") != std::string::npos)
    in.fail(node, fmt::format("`{}` holds `${{SECURE-…}}`, which is not supported yet; expected a "
                              "value without secrets",
                              key));
}

/// Remarks on a variable that will not be replaced for it has no braces.
void remark_bare_variable(std::vector<mistake>& remarks, std::string_view key,
                          const yaml_node& node, bool only_build) {
  if (auto name = bare_variable(node.text, only_build))
    remarks.push_back({node.line, node.column,
                       fmt::format("`{0}` holds `${1}`, which stays as it is; the file probably "
                                   "means `${{{1}}}`",
                                   key, *name)});
}

/// Reports what an arg or a value of `env` asks for and will not get.
void check_variables(fields& in, std::string_view key, const yaml_node& node,
                     std::vector<mistake>& remarks) {
  if (auto wrong = wrong_variable(node.text))
    in.fail(node, fmt::format("`{}` holds {}", key, *wrong));
  refuse_secret(in, key, node);
  remark_bare_variable(remarks, key, node, false);
}

void read_repository(fields& in, messages::application& app) {
  std::string number;
  auto as_is = [](const std::string& text) -> std::optional<std::string> {
    return text.size() > 255 || has_control(text) ? std::nullopt : std::optional{text};
  };
  constexpr std::string_view expected = "a name of at most 255 bytes without control characters";
  in.read("repository", app.repository, as_is, expected);
  in.read_integer("repositoryid", 0, std::numeric_limits<std::int64_t>::max(),
                  [&](std::int64_t n) { number = n == 0 ? "" : std::to_string(n); });
  in.read("artefactid", app.artifact_id, as_is, expected);
  if (app.repository.empty())
    app.repository = number;
}

/// Says where the variable is, but nothing that is secret.
std::string unknown_variable_in(const std::string& url) {
  auto seen = messages::public_url(url);
  return with_build(seen, 1).find("${") == std::string::npos
           ? std::string{"holds a variable in its user, password, query or fragment"}
           : "is " + in_ticks(seen);
}

void read_download(fields& in, messages::application& app, std::vector<mistake>& remarks) {
  if (const auto* node = in.find_text("downloadurl", "a URL or an absolute file name")) {
    auto plain = with_build(node->text, 1);
    remark_bare_variable(remarks, "downloadurl", *node, true);
    if (auto wrong = plain.empty() ? std::nullopt : wrong_url(plain))
      in.fail(*node, fmt::format("`downloadurl` {}", *wrong));
    else if (plain.find("${SECURE-") != std::string::npos)
      refuse_secret(in, "downloadurl", *node);
    else if (plain.find("${") != std::string::npos)
      in.fail(*node, fmt::format("`downloadurl` {}; expected no variable but `${{BUILDID}}`",
                                 unknown_variable_in(node->text)));
    else
      app.download_url = node->text;
  }
  auto read_credential = [&](std::string_view key, std::string& out) {
    const auto* node = in.find_text(key, "a text");
    if (node == nullptr)
      return;
    out = node->text;
    if (has_control(out))
      in.fail(*node, fmt::format("`{}` holds a control character; expected one line of text", key));
    refuse_secret(in, key, *node);
  };
  read_credential("downloaduser", app.download_user);
  read_credential("downloadpassword", app.download_password);
  read_credential("downloadtoken", app.download_token);
  if (!app.download_token.empty() && !app.download_user.empty())
    in.fail(*in.find("downloadtoken"),
            "`downloadtoken` is given beside `downloaduser`; expected one "
            "of the two");
  in.read(
    "sha256", app.sha256,
    [](const std::string& text) -> std::optional<std::string> {
      return is_sha256(text) ? std::optional{lower(text)} : std::nullopt;
    },
    "the SHA-256 of the artifact as 64 hex digits");
}

void read_args(fields& in, messages::application& app, std::vector<mistake>& remarks) {
  const auto* list = in.find_list("args", "a list such as [\"-port=${PORT1}\"]");
  if (list == nullptr)
    return;
  for (const auto& item : list->items) {
    if (item->kind == yaml_node::shape::list || item->kind == yaml_node::shape::map) {
      in.fail(*item, fmt::format("this entry of `args` is {}; expected a text, in quotes if it "
                                 "holds `: ` or begins with `[` or `{{`",
                                 shape_of(*item)));
      continue;
    }
    check_variables(in, "args", *item, remarks);
    if (auto wrong = too_long("this entry of `args`", with_build(item->text, 1).size()))
      in.fail(*item, std::move(*wrong));
    app.args.push_back(item->text);
  }
}

/// Why an instance cannot be given this variable; nothing if it can.
std::optional<std::string> wrong_env_key(const std::string& key) {
  if (!is_env_name(key))
    return "expected letters, digits and `_`, not beginning with a digit";
  bool port = key.starts_with("PORT") && key.size() > 4
              && key.find_first_not_of("0123456789", 4) == std::string::npos;
  if (port || key.starts_with("DEPLOY_") || key == "NOTIFY_SOCKET")
    return "expected a name that the agent does not set itself";
  return std::nullopt;
}

void read_env(fields& in, messages::application& app, std::vector<mistake>& remarks) {
  auto read_variable = [&](fields& env, const yaml_node& key, const yaml_node& value) {
    if (auto wrong = wrong_env_key(key.text))
      env.fail(key, fmt::format("`env` has the key {}; {}", in_ticks(key.text), *wrong));
    if (value.kind == yaml_node::shape::list || value.kind == yaml_node::shape::map)
      env.fail(value, fmt::format("{} in `env` is {}; expected a text", in_ticks(key.text),
                                  shape_of(value)));
    check_variables(env, "env", value, remarks);
    if (auto wrong = too_long(fmt::format("{} in `env`", in_ticks(key.text)),
                              key.text.size() + 1 + with_build(value.text, 1).size()))
      env.fail(value, std::move(*wrong));
    app.env.emplace(key.text, value.text);
  };
  in.nested(
    "env",
    [&](fields& env) {
      env.each(
        [&](const yaml_node& key, const yaml_node& value) { read_variable(env, key, value); });
    },
    fields::letters::as_written);
}

/// Whether an arg or a value of `env` asks for `${DATA}`.
bool asks_for_data(const messages::application& app) {
  auto asks = [](const std::string& text) { return text.find("${DATA}") != std::string::npos; };
  return std::ranges::any_of(app.args, asks) || std::ranges::any_of(app.health.exec, asks)
         || std::ranges::any_of(app.env, [&](const auto& each) { return asks(each.second); });
}

void read_data(fields& in, const yaml_node& node, messages::application& app) {
  if (const auto* name = in.find_text("data", safe_name_expected)) {
    app.data = name->text;
    if (!app.data.empty() && !is_safe_name(app.data))
      in.fail(*name, fmt::format("`data` is {}; expected one name of a directory, not a path, such "
                                 "as `uploads`: {}",
                                 in_ticks(app.data), safe_name_expected));
    else if (!app.data.empty() && app.env.contains("DATA"))
      in.fail(*name, "`data` is given beside `DATA` in `env`; expected one of the two, for the "
                     "agent sets `DATA` to the directory's path");
  }
  if (app.data.empty() && asks_for_data(app))
    in.fail(node, "this application asks for `${DATA}` and has no `data`; expected `data: NAME` "
                  "beside it");
}

/// The machine groups between the commas, each once.
void read_machines(fields& in, messages::application& app) {
  const auto* node
    = in.find_text("machines", "machine groups separated by commas, such as worker, db");
  if (node == nullptr)
    return;
  std::vector<std::string> groups;
  for (auto& each : split_list(node->text)) {
    if (!is_safe_name(each))
      in.fail(*node,
              fmt::format("`machines` holds {}; expected {}", in_ticks(each), safe_name_expected));
    if (std::find(groups.begin(), groups.end(), each) == groups.end())
      groups.push_back(std::move(each));
  }
  if (!groups.empty())
    app.machine_groups = std::move(groups);
}

/// For a field that may be unset.
std::optional<std::optional<messages::duration>> replace_after_of(const std::string& text) {
  auto time = parse_replace_after(text);
  return time ? std::make_optional(time) : std::nullopt;
}

void read_placement(fields& in, messages::application& app) {
  in.read_integer("instances", 0, max_instances,
                  [&](std::int64_t n) { app.instances = static_cast<std::uint32_t>(n); });
  in.read("instancesmeansperautodeployer", app.per_machine);
  in.read_integer("max_per_machine", 1, max_instances,
                  [&](std::int64_t n) { app.max_per_machine = static_cast<std::uint32_t>(n); });
  read_machines(in, app);
  in.nested("unreachable", [&](fields& below) {
    below.read("replace_after", app.replace_after, replace_after_of,
               "a duration such as 5m, or never", duration_hint);
  });
  const auto& strategies = messages::known_strategies();
  const auto* node = in.find_text("strategy", enumerated(strategies));
  if (node == nullptr)
    return;
  app.strategy = lower(node->text);
  // Whether anybody offers another one, the server knows.
  auto meant = probably_meant(app.strategy, strategies);
  if (bool is_strange = meant || !is_safe_name(app.strategy);
      is_strange && !messages::is_known_strategy(app.strategy)) {
    in.fail(*node, fmt::format("`strategy` is {}; expected {}{}", in_ticks(node->text),
                               enumerated(strategies),
                               meant ? fmt::format(", did you mean `{}`?", *meant)
                                     : ", or the name under which a process offers one"));
  } else if (app.strategy == "one-per-machine" && app.instances > 1 && !app.per_machine) {
    in.fail(*node, fmt::format("`strategy: one-per-machine` contradicts `instances: {0}`; leave "
                               "`instances` out for one on each machine, or add "
                               "`instancesmeansperautodeployer: true` for {0} on each machine",
                               app.instances));
  } else if (app.strategy == "pinned" && in.find("machines") == nullptr) {
    in.fail(*node, "`strategy: pinned` needs `machines`; expected the names of machines there, "
                   "separated by commas");
  }
}

/// `none`, or how long a fetch may take.
std::optional<std::optional<messages::duration>> parse_fetch_deadline(const std::string& text) {
  if (lower(text) == "none")
    return std::optional<messages::duration>{};
  auto time = parse_duration(text);
  if (!time || time->count() < 1)
    return std::nullopt;
  return std::make_optional(time);
}

void read_rollout(fields& in, messages::application& app) {
  in.nested("rollout", [&](fields& rollout) {
    auto& rules = app.rollout;
    rollout.read("parallel", rules.parallel, parse_parallelism,
                 "a share from 1% to 100%, or a count from 1");
    read_duration(rollout, "min_ready", app.min_ready);
    read_duration(rollout, "deadline", rules.deadline);
    if (rules.deadline <= app.min_ready) {
      const auto* at = rollout.find("deadline");
      at = at != nullptr ? at : rollout.find("min_ready");
      if (at != nullptr)
        rollout.fail(*at, "`deadline` is not longer than `min_ready`, so nothing could ever become "
                          "ready in time; expected a longer `deadline`");
    }
    rollout.read("fetch_deadline", rules.fetch_deadline, parse_fetch_deadline,
                 "a duration such as 1h, or none", duration_hint);
    rollout.read(
      "order", rules.order,
      [](const std::string& text) {
        return messages::from_text<messages::rollout_order>(lower(text));
      },
      "`start-first` or `stop-first`");
    rollout.read_integer("canary", 0, 1000,
                         [&](std::int64_t n) { rules.canary = static_cast<std::uint32_t>(n); });
    rollout.read("auto_revert", rules.auto_revert);
    refuse_rollout_for_files(rollout, app);
  });
}

void read_restart(fields& in, messages::application& app) {
  auto& rules = app.restart;
  if (!app.always_on)
    rules.policy = messages::restart_policy::on_failure;
  in.nested("restart", [&](fields& restart) {
    restart.read(
      "policy", rules.policy,
      [](const std::string& text) {
        return messages::from_text<messages::restart_policy>(lower(text));
      },
      "`always`, `on-failure` or `never`");
    backoff_range backoff{rules.backoff_min, rules.backoff_max};
    restart.read("backoff", backoff, parse_backoff,
                 "the shortest and the longest wait such as 1s..1m, from 1ms", span_hint);
    rules.backoff_min = backoff.least;
    rules.backoff_max = backoff.most;
    give_up_rule give_up{rules.give_up_count, rules.give_up_window};
    restart.read("give_up_after", give_up, parse_give_up,
                 "a number of exits and a span such as 5 in 10m, or never", span_hint);
    rules.give_up_count = give_up.count;
    if (give_up.count > 0)
      rules.give_up_window = give_up.window;
  });
}

void read_stop(fields& in, messages::application& app) {
  in.nested("stop", [&](fields& stop) {
    stop.read("signal", app.stop.signal, parse_signal, "a signal such as TERM, SIGTERM or 15");
    read_duration(stop, "timeout", app.stop.timeout);
    stop.read(
      "to", app.stop.to,
      [](const std::string& text) {
        return messages::from_text<messages::stop_target>(lower(text));
      },
      "`main` or `all`");
  });
}

void read_service(const yaml_node& node, messages::application& app,
                  std::vector<mistake>& mistakes) {
  auto before = mistakes.size();
  fields in{node, "an entry of `autoregs`", mistakes};
  messages::service service;
  auto name = [](const std::string& text) -> std::optional<std::string> {
    bool wrong = text.empty() || text.size() > 255 || has_control(text);
    return wrong ? std::nullopt : std::optional{text};
  };
  in.read("portdef", service.port_index, parse_port_variable, "`${PORTn}` with n from 1 to 100");
  in.read("servicename", service.name, name, "a name");
  std::string types;
  in.read("apitypes", types);
  service.types = split_list(types);
  if (mistakes.size() == before && (service.port_index == 0 || service.name.empty()))
    in.fail(node, fmt::format("this entry of `autoregs` has no `{}`; expected `portdef` and "
                              "`servicename`",
                              service.name.empty() ? "servicename" : "portdef"));
  in.finish();
  app.services.push_back(std::move(service));
}

void read_services(fields& in, messages::application& app, std::vector<mistake>& mistakes) {
  const auto* list = in.find_list("autoregs", "a list of `portdef`, `servicename`, `apitypes`");
  if (list == nullptr)
    return;
  for (const auto& item : list->items)
    read_service(*item, app, mistakes);
}

/// A program of the machine that runs what was downloaded, and its own arguments.
void read_interpreter(fields& in, messages::application& app) {
  const auto* list = in.find_list("interpreter", "a list such as [java, -jar]");
  if (list == nullptr)
    return;
  for (const auto& item : list->items) {
    if (item->kind == yaml_node::shape::list || item->kind == yaml_node::shape::map) {
      in.fail(*item,
              fmt::format("this entry of `interpreter` is {}; expected a text", shape_of(*item)));
      continue;
    }
    auto wrong = app.interpreter.empty() ? wrong_program(item->text) : std::nullopt;
    if (wrong)
      in.fail(*item,
              fmt::format("`interpreter` begins with {}, which {}", in_ticks(item->text), *wrong));
    else if (item->text.find("${") != std::string::npos)
      in.fail(*item, fmt::format("this entry of `interpreter` is {}, which holds a variable; "
                                 "expected variables in `args` only",
                                 in_ticks(item->text)));
    app.interpreter.push_back(item->text);
  }
}

/// The binary that a plain download is itself; a mistake where none can be told.
void derive_binary(fields& in, const yaml_node& node, messages::application& app) {
  bool archive = messages::is_archive(app.download_url);
  if (!app.binary.empty() || app.java || app.download_url.empty()
      || (archive && (!app.interpreter.empty() || messages::is_published(app))))
    return;
  if (archive) {
    in.fail(node, "this application downloads an archive and has no `binary`; expected the path "
                  "of the program inside the archive, such as `binary: dist/server`");
    return;
  }
  app.binary = last_segment(app.download_url);
  // A single program that is compressed is unpacked.
  for (std::string_view ending : {".gz", ".bz2", ".xz", ".zst"})
    if (app.binary.size() > ending.size() && app.binary.ends_with(ending))
      app.binary.resize(app.binary.size() - ending.size());
  if (app.binary.empty() || app.binary == "." || app.binary == "..")
    in.fail(node, fmt::format("this application has no `binary`, and its `downloadurl` {} ends "
                              "without a file name; expected `binary: NAME`",
                              in_ticks(messages::public_url(app.download_url))));
}

/// `name`, else the binary, else what the application is built from.
void derive_name(fields& in, const yaml_node& node, messages::application& app) {
  for (const auto* each : {&app.binary, &app.repository, &app.artifact_id})
    if (app.name.empty())
      app.name = *each;
  if (app.name.empty() && !app.interpreter.empty())
    app.name = app.interpreter.front();
  if (app.name.empty() && messages::is_published(app))
    in.fail(node, "this application is files without a name; expected `name`");
  else if (app.name.empty() && in.find("downloadurl") == nullptr)
    in.fail(node, "this application has neither `name`, `binary`, `downloadurl` nor "
                  "`repository`; expected at least one of them to tell it by");
}

void read_identity(fields& in, messages::application& app, std::vector<mistake>& remarks) {
  if (const auto* name = in.find_text("name", safe_name_expected)) {
    app.name = name->text;
    if (!app.name.empty() && !is_safe_name(app.name))
      in.fail_expected("name", *name, safe_name_expected);
  }
  if (const auto* binary = in.find_text("binary", "the path of a file")) {
    app.binary = binary->text;
    remark_bare_variable(remarks, "binary", *binary, true);
    if (auto wrong = app.binary.empty() ? std::nullopt : wrong_binary(app.binary))
      in.fail(*binary, fmt::format("`binary` is {}, which {}", in_ticks(app.binary), *wrong));
  }
}

} // namespace

messages::application read_application(const yaml_node& node, std::vector<mistake>& mistakes,
                                       std::vector<mistake>& remarks) {
  messages::application app;
  fields in{node, "an application", mistakes};
  if (node.kind == yaml_node::shape::text || node.kind == yaml_node::shape::list)
    return app;
  read_identity(in, app, remarks);
  read_deploy_type(in, node, app);
  read_interpreter(in, app);
  read_repository(in, app);
  read_download(in, app, remarks);
  read_args(in, app, remarks);
  read_env(in, app, remarks);
  read_placement(in, app);
  in.read("alwayson", app.always_on);
  read_rerun(in, app);
  read_java(in, node, app);
  in.read("discardlog", app.discard_log);
  read_limits(in, app);
  read_rollout(in, app);
  read_restart(in, app);
  read_stop(in, app);
  read_health(in, app);
  read_data(in, node, app);
  read_services(in, app, mistakes);
  read_critical(in, app);
  refuse_unsupported(in);
  refuse_for_files(in, node, app);
  in.finish();
  derive_binary(in, node, app);
  derive_name(in, node, app);
  if (auto wrong = too_much(app))
    in.fail(node, std::move(*wrong));
  return app;
}

} // namespace deployminator::configs
