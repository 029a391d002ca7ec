#include "deploy-configs/settings.hpp"

#include "deploy-configs/option_set.hpp"
#include "deploy-configs/public_ports_reader.hpp"
#include "deploy-configs/setting_checks.hpp"
#include "deploy-configs/this_machine.hpp"
#include "deploy-configs/values.hpp"
#include "messages/endpoint.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace deployminator::configs {

namespace {

constexpr const char* default_server = "tcp://127.0.0.1:4001";
constexpr const char* no_keys = "none";
constexpr const char* default_server_keys = "/etc/deployminator/keys";
constexpr const char* default_machine_key = "/etc/cnw/autodeployer/machine.key";
constexpr const char* everybodys_key = "/etc/deploy/deploy.key";

setting keys_setting(const char* what, const char* value_name, std::string default_value,
                     std::string default_help) {
  return {.name = "keys",
          .value_name = value_name,
          .help = fmt::format("{}; none: talk without encryption, on loopback only", what),
          .default_value = std::move(default_value),
          .default_help = std::move(default_help)};
}

program_settings server_table() {
  return {.program = "deployminator",
          .summary = "Keeps the versions of every group, decides what runs where, and tells the "
                     "agents.",
          .prefix = "DEPLOYMINATOR",
          .default_file = "/etc/deployminator/config.yaml",
          .example = "listen: tcp://*:4001",
          .settings = {{.name = "listen",
                        .value_name = "URL",
                        .help = "Take orders from agents and `deploy` here",
                        .default_value = default_server,
                        .expected_instead = check_bound},
                       {.name = "publish",
                        .value_name = "URL",
                        .help = "Give events here",
                        .default_value = "tcp://127.0.0.1:4002",
                        .expected_instead = check_bound},
                       {.name = "collect",
                        .value_name = "URL",
                        .help = "Take the agents' progress and log lines here",
                        .default_value = "tcp://127.0.0.1:4003",
                        .expected_instead = check_bound},
                       {.name = "store",
                        .value_name = "URL",
                        .help = "Keep versions, desired state and events there: sqlite:PATH, or "
                                "mysql://USER@HOST:PORT/DB for MariaDB",
                        .default_value = "sqlite:/var/lib/deployminator/deployminator.sqlite",
                        .expected_instead = check_store},
                       {.name = "store-password-file",
                        .value_name = "FILE",
                        .help = "Read the password for MariaDB from the first line of FILE",
                        .default_help = "none"},
                       {.name = "keep-versions",
                        .kind = setting_kind::number,
                        .value_name = "N",
                        .help = "Keep the last N versions of each group that were deployed",
                        .default_value = "10",
                        .expected_instead = check_kept},
                       {.name = "keep-events",
                        .kind = setting_kind::number,
                        .value_name = "N",
                        .help = "Keep the newest N events",
                        .default_value = "50000",
                        .expected_instead = check_kept},
                       {.name = "keep-event-days",
                        .kind = setting_kind::number,
                        .value_name = "DAYS",
                        .help = "Keep no event for longer, but for the newest 1000",
                        .default_value = "90",
                        .expected_instead = check_days},
                       {.name = "overcommit",
                        .value_name = "PERCENT|none",
                        .help = "Promise instances (limits.maxmemory) at most so much of their "
                                "machine's memory, such as 150%; none: it is not counted",
                        .default_value = "none",
                        .expected_instead = check_overcommit},
                       {.name = "replace-after",
                        .value_name = "TIME|never",
                        .help = "Bring what ran on machines silent for TIME elsewhere",
                        .default_value = "never",
                        .expected_instead = check_replace_after},
                       {.name = "silent-share",
                        .value_name = "N/M",
                        .help = "Replace nothing while more of the machines are silent",
                        .default_value = "1/3",
                        .expected_instead = check_share},
                       keys_setting("The directory with the server's key", "DIR|none",
                                    default_server_keys, ""),
                       {.name = "init",
                        .kind = setting_kind::flag,
                        .help = "Make the server's key and the first operator's key file in the "
                                "directory of keys, and end",
                        .only_flag = true},
                       {.name = "advertise",
                        .kind = setting_kind::list,
                        .value_name = "URL[,URL...]",
                        .help = "With --init: where agents and people reach this server",
                        .default_help = "--listen, on this host's name where that is any address",
                        .expected_instead = check_server,
                        .only_flag = true},
                       {.name = "rotate-key",
                        .kind = setting_kind::flag,
                        .help = "Make the server's next key in its key file, which the server "
                                "notices and tells everybody, and end",
                        .only_flag = true},
                       {.name = "in",
                        .value_name = "TIME",
                        .help = "With --rotate-key: when the next key takes over",
                        .default_value = "7d",
                        .expected_instead = check_rotation_time,
                        .only_flag = true},
                       {.name = "copy-store",
                        .kind = setting_kind::pair,
                        .value_name = "FROM TO",
                        .help = "Copy the store FROM into TO, which holds none yet, compare them, "
                                "and end; no server may run on either",
                        .only_flag = true},
                       {.name = "roles",
                        .kind = setting_kind::flag,
                        .help = "Print which role may send which message, and end",
                        .only_flag = true}}};
}

/// Puts the public ports that it finds into `to`, which must outlive the table.
program_settings agent_table(std::vector<messages::public_port_entry>& to) {
  return {
    .program = "autodeployer",
    .summary = "Fetches, starts, watches and stops instances on this machine, as the server "
               "says.",
    .prefix = "AUTODEPLOYER",
    .default_file = "/etc/cnw/autodeployer/config.yaml",
    .example = "groups: [worker, db]",
    .settings
    = {{.name = "server",
        .kind = setting_kind::list,
        .value_name = "URL[,URL...]",
        .help = "The server's listen address, or those of several",
        .default_help = fmt::format("the key file's; without keys {}", default_server),
        .expected_instead = check_server},
       {.name = "name",
        .value_name = "NAME",
        .help = "This machine's name",
        .default_help = fmt::format("the key file's; without keys the host's, {}", host_name()),
        .expected_instead = check_machine_name},
       {.name = "groups",
        .kind = setting_kind::list,
        .value_name = "GROUP[,GROUP...]",
        .help = "The machine groups it belongs to",
        .default_value = "worker",
        .expected_instead = check_group_name},
       {.name = "root",
        .value_name = "DIR",
        .help = "Put state, cache, instances and logs below DIR",
        .default_help = "the system's /var/lib, /var/cache, /var/log and /run"},
       {.name = "memory",
        .kind = setting_kind::number,
        .value_name = "MB",
        .help = "Megabytes that instances may share",
        .default_value = std::to_string(machine_memory_mb()),
        .default_help = fmt::format("all of the machine's, {}", machine_memory_mb())},
       {.name = "log-size",
        .kind = setting_kind::number,
        .value_name = "MB",
        .help = "Megabytes that the log of one instance may take of the disk",
        .default_value = "64",
        .expected_instead = check_log_size},
       {.name = "log-total",
        .kind = setting_kind::number,
        .value_name = "MB",
        .help = "Megabytes that the logs of all instances may take, first to go those of "
                "instances that are gone",
        .default_value = "1024",
        .expected_instead = check_log_size},
       {.name = "log-days",
        .kind = setting_kind::number,
        .value_name = "DAYS",
        .help = "How many days the log of an instance stays that is gone",
        .default_value = "7",
        .expected_instead = check_days},
       {.name = "static-root",
        .value_name = "DIR",
        .help = "Publish static files and web packages below DIR, and nowhere else",
        .default_help = "none: they are refused",
        .expected_instead = check_static_root},
       keys_setting("The machine's key file", "FILE|none", default_machine_key, ""),
       {.name = "print-rules",
        .kind = setting_kind::flag,
        .help = "Print the packet filter's rules for the public ports, as they should be "
                "now, and end",
        .only_flag = true},
       {.name = "check",
        .kind = setting_kind::flag,
        .help = "Tell what this machine can and cannot do, with what to do about it, and "
                "end: with 0 if nothing stands in the way",
        .only_flag = true},
       {.name = "leave-farm",
        .kind = setting_kind::flag,
        .help = "Forget the farm that this machine belongs to, and end: its instances "
                "are ended with the next start, and the next server is obeyed",
        .only_flag = true}},
    .sections = {{"applications", [&to](const yaml_node& value, std::vector<mistake>& mistakes) {
                    to = read_public_ports(value, mistakes);
                  }}}};
}

program_settings client_table() {
  return {.program = "deploy",
          .prefix = "DEPLOY",
          .default_file = "/etc/deploy/config.yaml",
          .example = "server: tcp://deploy.example.org:4001",
          .settings
          = {{.name = "server",
              .kind = setting_kind::list,
              .value_name = "URL[,URL...]",
              .help = "The server's listen address, or those of several",
              .default_help = fmt::format("the key file's; without keys {}", default_server),
              .expected_instead = check_server},
             keys_setting("Your key file", "FILE|none", "",
                          fmt::format("~/.config/deploy/deploy.key, else {}", everybodys_key)),
             {.name = "json",
              .kind = setting_kind::flag,
              .help = "Print JSON: one document, or one object a line while following"},
             {.name = "no-color",
              .kind = setting_kind::flag,
              .help = "Print neither colour nor bars, as with NO_COLOR"},
             {.name = "utc",
              .kind = setting_kind::flag,
              .help = "Show times in UTC; without it, in the local time zone"}}};
}

exit_now wrong_settings(const std::string& program, const messages::failure& why) {
  auto hint = why.hint.empty() ? "" : fmt::format("{}: {}\n", program, why.hint);
  return {2, fmt::format("{}: {}\n{}", program, why.message, hint), false};
}

/// What the key file says counts where nothing else is said.
messages::result<void> take_key(agent_settings& settings, const std::string& path) {
  if (path == no_keys) {
    if (settings.servers.empty())
      settings.servers = {default_server};
    if (settings.name.empty())
      settings.name = host_name();
    return check_loopback(settings.servers);
  }
  auto key = read_key_file(path);
  if (!key)
    return messages::failure{key.error().code, key.error().message,
                             key.error().hint.empty()
                               ? "`deploy key new MACHINE --role agent` makes one"
                               : key.error().hint};
  if (settings.servers.empty())
    settings.servers = key->servers;
  if (settings.name.empty())
    settings.name = key->name;
  settings.key = std::move(*key);
  return {};
}

/// The first of those that people may have that is there, else the first.
std::string default_client_key(const surroundings& from) {
  auto home = from.variable("HOME").value_or("");
  std::string own = home + "/.config/deploy/deploy.key";
  std::string shared = from.root + everybodys_key;
  std::error_code cannot_tell;
  bool takes_shared = home.empty()
                      || (!std::filesystem::exists(own, cannot_tell)
                          && std::filesystem::exists(shared, cannot_tell));
  return takes_shared ? shared : own;
}

} // namespace

std::string surroundings::below_root(const std::string& path,
                                     const std::string& default_path) const {
  return path == default_path ? root + path : path;
}

surroundings surroundings::real() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value != nullptr ? std::optional<std::string>{value} : std::nullopt;
          },
          {}};
}

std::variant<server_settings, exit_now> read_server_settings(int argc, const char* const* argv,
                                                             const surroundings& from) {
  auto read = read_settings(server_table(), argc, argv, from);
  if (auto* done = std::get_if<exit_now>(&read))
    return std::move(*done);
  auto& all = std::get<resolved_settings>(read);
  server_settings settings{.listen = all.text("listen"),
                           .publish = all.text("publish"),
                           .collect = all.text("collect"),
                           .store = all.text("store"),
                           .store_password_file = all.text("store-password-file"),
                           .keep_versions = all.number("keep-versions"),
                           .keep_events = all.number("keep-events"),
                           .keep_event_days = all.number("keep-event-days"),
                           .overcommit_percent = *parse_overcommit(all.text("overcommit")),
                           .replace_after = *parse_replace_after(all.text("replace-after")),
                           .silent_share = *parse_share(all.text("silent-share")),
                           .keys = from.below_root(all.text("keys"), default_server_keys),
                           .init = all.flag("init"),
                           .rotate_key = all.flag("rotate-key"),
                           .rotate_in = *parse_rotation_time(all.text("in")),
                           .advertise = all.list("advertise"),
                           .copy_store = all.pair("copy-store"),
                           .roles = all.flag("roles")};
  if (!settings.store_password_file.empty() && settings.store.starts_with("sqlite:")
      && settings.copy_store.empty())
    settings.warnings.emplace_back(
      "store-password-file is not used: a store in sqlite has no password");
  if (settings.keys == no_keys)
    if (auto safe = check_loopback({settings.listen, settings.publish, settings.collect}); !safe)
      return wrong_settings("deployminator", safe.error());
  return settings;
}

std::variant<agent_settings, exit_now> read_agent_settings(int argc, const char* const* argv,
                                                           const surroundings& from) {
  std::vector<messages::public_port_entry> public_ports;
  auto read = read_settings(agent_table(public_ports), argc, argv, from);
  if (auto* done = std::get_if<exit_now>(&read))
    return std::move(*done);
  auto& all = std::get<resolved_settings>(read);
  agent_settings settings{.servers = all.list("server"),
                          .name = all.text("name"),
                          .groups = all.list("groups"),
                          .root = all.text("root"),
                          .memory_mb = all.number("memory"),
                          .log_size_mb = all.number("log-size"),
                          .log_total_mb = all.number("log-total"),
                          .log_days = all.number("log-days"),
                          .static_root = all.text("static-root"),
                          .key = {},
                          .config_file = all.file,
                          .public_ports = std::move(public_ports),
                          .print_rules = all.flag("print-rules"),
                          .leave_farm = all.flag("leave-farm"),
                          .check = all.flag("check")};
  std::error_code current_directory_gone;
  for (auto* path : {&settings.root, &settings.config_file})
    if (!path->empty())
      *path = std::filesystem::absolute(*path, current_directory_gone).lexically_normal();
  if (current_directory_gone)
    return exit_now{2,
                    fmt::format("autodeployer: root is relative, and the current directory cannot "
                                "be told: {}; expected an absolute directory\n",
                                current_directory_gone.message()),
                    false};
  if (settings.print_rules || settings.leave_farm)
    return settings;
  if (auto taken = take_key(settings, from.below_root(all.text("keys"), default_machine_key));
      !taken)
    return wrong_settings("autodeployer", taken.error());
  return settings;
}

messages::result<std::vector<messages::public_port_entry>>
public_ports_in(const std::string& text, const std::string& file) {
  std::vector<messages::public_port_entry> out;
  auto mistakes = option_set{agent_table(out)}.mistakes_in(text);
  if (mistakes.empty())
    return out;
  auto message = to_text(file, mistakes.front());
  if (mistakes.size() > 1)
    message += fmt::format(" (and {} more)", mistakes.size() - 1);
  return messages::failure{messages::failure_code::invalid, std::move(message), {}};
}

client_options::client_options(CLI::App& app)
  : options_(std::make_unique<option_set>(client_table())) {
  options_->add_to(app);
  app.footer(options_->sources_help());
}

client_options::~client_options() = default;

messages::result<client_settings> client_options::resolve(const surroundings& from) const {
  auto all = options_->resolve(from);
  if (!all)
    return all.error();
  auto keys = all->text("keys");
  client_settings settings{.servers = all->list("server"),
                           .keys = keys.empty() ? default_client_key(from) : keys,
                           .json = all->flag("json"),
                           .no_color = all->flag("no-color")
                                       || !from.variable("NO_COLOR").value_or("").empty(),
                           .utc = all->flag("utc")};
  return settings;
}

messages::result<server_access> access_of(const client_settings& settings) {
  server_access out{settings.servers, {}};
  if (settings.keys == no_keys) {
    if (out.servers.empty())
      out.servers = {default_server};
    if (auto safe = check_loopback(out.servers); !safe)
      return safe.error();
    return out;
  }
  auto key = read_key_file(settings.keys);
  if (!key)
    return messages::failure{key.error().code, key.error().message,
                             key.error().hint.empty()
                               ? "name your key file with --keys (or DEPLOY_KEYS); an operator "
                                 "makes one with `deploy key new`"
                               : key.error().hint};
  if (out.servers.empty())
    out.servers = key->servers;
  out.key = std::move(*key);
  return out;
}

messages::result<void> check_loopback(const std::vector<std::string>& addresses) {
  using messages::failure_code;
  for (const auto& each : addresses)
    if (!messages::is_loopback(each))
      return messages::failure{
        failure_code::refused,
        fmt::format("the address {} is not on loopback, and without keys "
                    "nothing is encrypted",
                    in_ticks(each)),
        "expected 127.0.0.0/8, [::1], localhost or ipc://PATH; with keys any "
        "address will do (README.md)"};
  return {};
}

} // namespace deployminator::configs
