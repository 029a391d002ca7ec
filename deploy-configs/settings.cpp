#include "deploy-configs/settings.hpp"

#include "deploy-configs/endpoint.hpp"
#include "deploy-configs/option_set.hpp"
#include "deploy-configs/public_ports_reader.hpp"
#include "deploy-configs/values.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace deployminator::configs {

namespace {

using expectation = std::optional<std::string>;

constexpr const char* default_server = "tcp://127.0.0.1:4001";

expectation check_bound(const std::string& text) {
  return is_endpoint(text, true) ? std::nullopt
                                 : expectation{"an address such as tcp://127.0.0.1:4001"};
}

expectation check_server(const std::string& text) {
  return is_endpoint(text, false) ? std::nullopt
                                  : expectation{"an address such as tcp://127.0.0.1:4001"};
}

expectation check_store(const std::string& text) {
  if (text.starts_with("mysql:"))
    return "sqlite:PATH, as MariaDB and MySQL are not supported yet";
  return text.starts_with("sqlite:") && text.size() > 7 ? std::nullopt : expectation{"sqlite:PATH"};
}

expectation check_keys_value(const std::string& text) {
  return text == "none"
           ? std::nullopt
           : expectation{"none, as keys are not supported yet: only none, on loopback"};
}

constexpr std::size_t longest_host_name = 253;

expectation check_machine_name(const std::string& text) {
  return is_safe_name(text, longest_host_name)
           ? std::nullopt
           : expectation{"letters, digits, `.`, `_` and `-`, at most 253, not beginning with `.` "
                         "or `-`"};
}

expectation check_group_name(const std::string& text) {
  return is_safe_name(text) ? std::nullopt : expectation{safe_name_expected};
}

std::string host_name() {
  std::array<char, longest_host_name + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || !is_safe_name(name.data(), name.size()))
    return "localhost";
  return name.data();
}

std::uint64_t machine_memory_mb() {
  auto pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0)
    return 1;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
         / (std::uint64_t{1024} * 1024);
}

setting keys_setting() {
  return {.name = "keys",
          .value_name = "MODE",
          .help = "Encryption: none is all there is yet, so every address must be on loopback",
          .default_value = "none",
          .expected_instead = check_keys_value};
}

program_settings server_table() {
  return {.program = "deployminator",
          .summary = "Keeps the versions of every group, decides what runs where, and tells the "
                     "agents.",
          .prefix = "DEPLOYMINATOR",
          .default_file = "/etc/deployminator/config.yaml",
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
                        .value_name = "sqlite:PATH",
                        .help = "Keep versions, desired state and events there",
                        .default_value = "sqlite:/var/lib/deployminator/deployminator.sqlite",
                        .expected_instead = check_store},
                       {.name = "store-password-file",
                        .value_name = "FILE",
                        .help = "Read the store's password from FILE; sqlite needs none",
                        .default_help = "none"},
                       keys_setting()}};
}

/// Puts the public ports that it finds into `to`, which must outlive the table.
program_settings agent_table(std::vector<messages::public_port_entry>& to) {
  return {
    .program = "autodeployer",
    .summary = "Fetches, starts, watches and stops instances on this machine, as the server "
               "says.",
    .prefix = "AUTODEPLOYER",
    .default_file = "/etc/cnw/autodeployer/config.yaml",
    .settings = {{.name = "server",
                  .kind = setting_kind::list,
                  .value_name = "URL[,URL...]",
                  .help = "The server's listen address, or those of several",
                  .default_value = default_server,
                  .expected_instead = check_server},
                 {.name = "name",
                  .value_name = "NAME",
                  .help = "This machine's name",
                  .default_value = host_name(),
                  .default_help = "the host's name, " + host_name(),
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
                 keys_setting(),
                 {.name = "print-rules",
                  .kind = setting_kind::flag,
                  .help = "Print the packet filter's rules for the public ports, as they should be "
                          "now, and end",
                  .only_flag = true}},
    .sections = {{"applications", [&to](const yaml_node& value, std::vector<mistake>& mistakes) {
                    to = read_public_ports(value, mistakes);
                  }}}};
}

program_settings client_table() {
  return {.program = "deploy",
          .prefix = "DEPLOY",
          .default_file = "/etc/deploy/config.yaml",
          .settings = {{.name = "server",
                        .value_name = "URL",
                        .help = "The server's listen address",
                        .default_value = default_server,
                        .expected_instead = check_server},
                       keys_setting(),
                       {.name = "json",
                        .kind = setting_kind::flag,
                        .help = "Print JSON: one document, or one object a line while following"},
                       {.name = "no-color",
                        .kind = setting_kind::flag,
                        .help = "Print neither colour nor bars, as with NO_COLOR"}}};
}

/// The settings of a daemon, checked as a whole.
template <class Settings>
std::variant<Settings, exit_now> checked(const std::string& program, Settings settings,
                                         const std::vector<std::string>& addresses) {
  if (auto allowed = check_keys(settings.keys, addresses); !allowed)
    return exit_now{
      2,
      fmt::format("{0}: {1}\n{0}: {2}\n", program, allowed.error().message, allowed.error().hint),
      false};
  return settings;
}

} // namespace

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
                           .keys = all.text("keys")};
  if (!settings.store_password_file.empty())
    settings.warnings.emplace_back(
      "store-password-file is not used: a store in sqlite has no password");
  return checked("deployminator", settings, {settings.listen, settings.publish, settings.collect});
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
                          .keys = all.text("keys"),
                          .config_file = all.file,
                          .public_ports = std::move(public_ports),
                          .print_rules = all.flag("print-rules")};
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
  return checked("autodeployer", settings, settings.servers);
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
  client_settings settings{.server = all->text("server"),
                           .keys = all->text("keys"),
                           .json = all->flag("json"),
                           .no_color = all->flag("no-color")
                                       || !from.variable("NO_COLOR").value_or("").empty()};
  if (auto allowed = check_keys(settings.keys, {settings.server}); !allowed)
    return allowed.error();
  return settings;
}

messages::result<void> check_keys(const std::string& keys,
                                  const std::vector<std::string>& addresses) {
  using messages::failure_code;
  if (keys != "none")
    return messages::failure{failure_code::unsupported,
                             fmt::format("keys is {}, which is not supported yet: only none, on "
                                         "loopback",
                                         in_ticks(keys)),
                             "leave the setting out"};
  for (const auto& each : addresses)
    if (!is_loopback(each))
      return messages::failure{failure_code::refused,
                               fmt::format("the address {} is not on loopback, and without keys "
                                           "nothing is encrypted",
                                           in_ticks(each)),
                               "expected 127.0.0.0/8, [::1], localhost or ipc://PATH; keys are "
                               "not supported yet"};
  return {};
}

} // namespace deployminator::configs
