#include "agent/decisions/launch.hpp"

#include "messages/safe_name.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

namespace deployminator::agent {

namespace {

/// The text as the name of one directory, another one for each other text: what is not safe in a
/// name is `%` and its two hex digits.
std::string directory_name(const std::string& text) {
  std::string out;
  for (char c : text) {
    bool as_it_is
      = messages::is_safe_name(std::string_view{&c, 1}) || (!out.empty() && c == '.') || c == '-';
    if (as_it_is)
      out += c;
    else
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string application_path(const messages::instance_spec& spec) {
  return fmt::format("{}/{}/{}", directory_name(spec.namespace_), directory_name(spec.group),
                     directory_name(spec.app.name));
}

} // namespace

std::string data_path_of(const messages::instance_spec& spec) {
  if (spec.app.data.empty())
    return {};
  return fmt::format("{}/{}", application_path(spec), directory_name(spec.app.data));
}

publication publication_of(const messages::instance_spec& spec, const std::string& sha256) {
  if (!messages::is_published(spec.app))
    return {};
  bool is_named = spec.app.type == messages::deploy_type::static_files;
  return {application_path(spec), is_named ? spec.app.static_target_dir : std::string{}, sha256};
}

launch_order launch_order_for(const messages::instance_spec& spec, const std::string& machine,
                              const std::vector<std::uint16_t>& ports) {
  launch_order order;
  order.id = spec.id;
  order.binary = spec.app.binary;
  order.limits = spec.app.limits;
  order.discard_log = spec.app.discard_log;
  order.data = data_path_of(spec);
  auto filled = [&](const std::string& text) {
    return messages::with_variable(messages::with_ports(text, ports), "MACHINE", machine);
  };
  order.java = spec.app.java;
  if (order.java)
    order.interpreter = "java";
  const auto& interpreter = spec.app.interpreter;
  if (!interpreter.empty()) {
    order.interpreter = interpreter.front();
    order.args.assign(interpreter.begin() + 1, interpreter.end());
    if (!order.binary.empty())
      order.args.push_back(order.binary);
  }
  for (const auto& arg : spec.app.args)
    order.args.push_back(filled(arg));
  for (const auto& [key, value] : spec.app.env)
    order.env.emplace(key, filled(value));
  order.env.emplace("PATH", machine_path);
  for (std::size_t i = 0; i < ports.size(); ++i)
    order.env.emplace(fmt::format("PORT{}", i + 1), std::to_string(ports[i]));
  order.env["DEPLOY_INSTANCE_ID"] = spec.id;
  order.env["DEPLOY_NAMESPACE"] = spec.namespace_;
  order.env["DEPLOY_GROUP"] = spec.group;
  order.env["DEPLOY_APPLICATION"] = spec.app.name;
  order.env["DEPLOY_VERSION"] = std::to_string(spec.version);
  order.env["DEPLOY_BUILD"] = std::to_string(spec.build);
  order.env["DEPLOY_MACHINE"] = machine;
  order.notifies = spec.app.health.kind == messages::health_kind::notify;
  order.watchdog = spec.app.health.watchdog;
  return order;
}

health_order health_order_for(const messages::instance_spec& spec, const std::string& machine,
                              const std::vector<std::uint16_t>& ports, std::int64_t pid) {
  const auto& rules = spec.app.health;
  health_order out;
  out.id = spec.id;
  out.kind = rules.kind;
  out.path = rules.path;
  if (rules.port > 0 && rules.port <= ports.size())
    out.port = ports[rules.port - 1];
  out.timeout = rules.timeout;
  if (rules.kind != messages::health_kind::exec || rules.exec.empty())
    return out;
  out.pid = pid;
  out.program = launch_order_for(spec, machine, ports);
  out.program.interpreter.clear();
  out.program.binary = rules.exec.front();
  out.program.args.clear();
  for (auto each = rules.exec.begin() + 1; each != rules.exec.end(); ++each)
    out.program.args.push_back(
      messages::with_variable(messages::with_ports(*each, ports), "MACHINE", machine));
  return out;
}

std::string signal_text(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? fmt::format("signal {} (SIG{})", signal, name) : fmt::format("signal {}", signal);
}

std::string exit_text(int exit) {
  if (exit <= 128 || exit > 128 + 64)
    return fmt::format("exited with code {}", exit);
  return "killed by " + signal_text(exit - 128);
}

} // namespace deployminator::agent
