#include "actors/server.hpp"

#include "actors/common/gateway.hpp"
#include "actors/deployminator.hpp"
#include "actors/publisher.hpp"
#include "actors/registrar.hpp"
#include "actors/sessions.hpp"
#include "actors/strategies/strategy.hpp"

#include <map>

namespace deployminator::actors {

namespace {

using messages::failure;
using messages::result;

/// The three sockets; those opened before a failure are closed again.
result<std::map<bus::socket_kind, bus::socket_id>> open_sockets(const server_config& config) {
  std::map<bus::socket_kind, bus::socket_id> out;
  const std::map<bus::socket_kind, std::string> endpoints{
    {bus::socket_kind::orders_server, config.listen},
    {bus::socket_kind::events_server, config.publish},
    {bus::socket_kind::progress_server, config.collect}};
  for (const auto& [kind, endpoint] : endpoints) {
    auto opened = config.sockets->open(kind, endpoint);
    if (!opened) {
      for (const auto& [opened_kind, id] : out)
        config.sockets->close(id);
      return opened.error();
    }
    out[kind] = *opened;
  }
  return out;
}

registrar_actor spawn_registrar(caf::actor_system& system, const server_config& config,
                                std::uint64_t last_event) {
  return config.detached_registrar
           ? system.spawn<caf::detached>(registrar, config.database, last_event)
           : system.spawn(registrar, config.database, last_event);
}

} // namespace

result<server> spawn_server(caf::actor_system& system, const server_config& config) {
  // The sockets first: of two servers on one address, the second must not take the reign.
  auto sockets = open_sockets(config);
  if (!sockets)
    return sockets.error();
  auto epoch = config.database->begin_epoch();
  if (!epoch)
    return epoch.error();
  auto loaded = config.database->load();
  if (!loaded)
    return loaded.error();
  auto farm = std::make_shared<const messages::farm>(std::move(*loaded));

  server out;
  out.epoch = *epoch;
  out.gateway = system.spawn(gateway, config.sockets);
  for (const auto& [kind, id] : *sockets)
    caf::anon_send(out.gateway, atom::attach_v, id, kind);
  out.registrar = spawn_registrar(system, config, farm->last_event);
  auto strategies = spawn_strategies(system);
  auto teller
    = system.spawn(publisher, publisher_config{out.gateway, out.registrar,
                                               sockets->at(bus::socket_kind::events_server), *epoch,
                                               farm->last_event});
  caf::anon_send(out.registrar, atom::attach_v, teller);
  auto ruler = system.spawn(deployminator, deployminator_config{out.registrar, strategies, farm,
                                                                config.utc_now, config.random});
  auto visitors = system.spawn(
    sessions, sessions_config{out.gateway, ruler, teller, *epoch, config.publish, config.collect});
  caf::anon_send(out.gateway, atom::attach_v, receiver_actor{visitors});

  out.all = {caf::actor_cast<caf::actor>(visitors), caf::actor_cast<caf::actor>(ruler)};
  for (const auto& [name, strategy] : strategies)
    out.all.push_back(caf::actor_cast<caf::actor>(strategy));
  out.all.push_back(caf::actor_cast<caf::actor>(teller));
  out.all.push_back(caf::actor_cast<caf::actor>(out.registrar));
  out.all.push_back(caf::actor_cast<caf::actor>(out.gateway));
  return out;
}

} // namespace deployminator::actors
