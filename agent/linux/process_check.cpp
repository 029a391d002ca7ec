#include "agent/linux/machine_program.hpp"
#include "agent/linux/process_launcher.hpp"

#include <fmt/format.h>

#include <unistd.h>

/// How the launcher runs a program that checks the health of an instance.
namespace deployminator::agent {

namespace {

/// The check's program: one of the artifact, else one of the machine.
messages::result<std::string> check_program(const std::string& home, const std::string& name) {
  auto own = home + "/" + name;
  if (!name.starts_with('/') && access(own.c_str(), F_OK) == 0)
    return own;
  return find_machine_program(name);
}

} // namespace

void process_launcher::check(const health_order& order, health_checker::on_checked done) {
  loop_.post([this, order, done = std::move(done)] { check_now(order, done); });
}

void process_launcher::check_now(const health_order& order,
                                 const health_checker::on_checked& done) {
  auto found = instances_.find(order.id);
  if (found == instances_.end() || !found->second.lives())
    return done({false, "nothing of the instance runs"});
  auto& i = found->second;
  auto setup = setup_of(order.id, i);
  auto program = check_program(setup.home, order.program.binary);
  if (!program)
    return done({false, program.error().message});
  const auto& data = order.program.data;
  auto whole = filled(order.program, data.empty() ? "" : config_.where.data() + "/" + data);
  auto spawn = [&](int result) {
    return spawn_check(setup, *program, whole, order.pid, order.timeout, result);
  };
  checks_.start(order.program.binary, order.timeout, spawn, done);
}

} // namespace deployminator::agent
