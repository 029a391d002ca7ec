#include "actors/common/daemon.hpp"
#include "actors/common/gateway.hpp"
#include "actors/common/logging.hpp"
#include "actors/common/terminator.hpp"
#include "actors/server.hpp"
#include "deploy-configs/settings.hpp"
#include "messages/bus/io_thread.hpp"

#include <atomic>
#include <cstdio>
#include <random>

namespace {

using namespace deployminator;

/// Exit codes: 0 ended on request, 1 could not start or go on, 2 wrong usage.
constexpr int could_not_go_on = 1;

int fail(const messages::failure& why) {
  std::fprintf(stderr, "deployminator: %s\n", why.message.c_str());
  if (!why.hint.empty())
    std::fprintf(stderr, "  %s\n", why.hint.c_str());
  return could_not_go_on;
}

std::function<std::uint64_t()> system_random() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return (*engine)(); };
}

int serve(const configs::server_settings& settings) {
  auto database = store::open_store(settings.store);
  if (!database)
    return fail(database.error());
  std::atomic<bool> failed = false;
  bus::io_thread sockets;
  caf::actor_system_config caf_config;
  caf_config.set("scheduler.max-threads", 2);
  // One queue to sleep on: idle workers that look for work to steal would cost more than they
  // bring.
  caf_config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{caf_config};
  auto server = actors::spawn_server(system, {database->get(), &sockets, settings.listen,
                                              settings.publish, settings.collect, true,
                                              messages::system_utc_now, system_random()});
  if (!server)
    return fail(server.error());
  for (const auto& each : server->all)
    actors::end_process_with(each, failed);
  sockets.deliver_to(
    [gateway = server->gateway](bus::inbound in) { caf::anon_send(gateway, std::move(in)); });
  actors::log::info("deployminator serves", {{"listen", settings.listen},
                                             {"publish", settings.publish},
                                             {"collect", settings.collect},
                                             {"store", settings.store},
                                             {"epoch", server->epoch},
                                             {"version", DEPLOYMINATOR_VERSION}});
  actors::notify_ready();
  actors::wait_for_end();
  actors::log::info("deployminator ends; instances go on");
  sockets.stop();
  sockets.deliver_to({});
  actors::end_actors(system, server->all);
  return failed ? could_not_go_on : 0;
}

} // namespace

int main(int argc, char** argv) {
  auto read = configs::read_server_settings(argc, argv);
  if (const auto* done = std::get_if<configs::exit_now>(&read)) {
    std::fputs(done->text.c_str(), done->to_stdout ? stdout : stderr);
    return done->code;
  }
  actors::block_end_signals();
  const auto& settings = std::get<configs::server_settings>(read);
  for (const auto& each : settings.warnings)
    actors::log::warning(each);
  auto allowed
    = configs::check_keys(settings.keys, {settings.listen, settings.publish, settings.collect});
  if (!allowed)
    return fail(allowed.error());
  return serve(settings);
}
