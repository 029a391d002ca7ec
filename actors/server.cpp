#include "actors/server.hpp"

#include "actors/common/gateway.hpp"
#include "actors/deployminator.hpp"
#include "actors/orders.hpp"
#include "actors/planner.hpp"
#include "actors/publisher.hpp"
#include "actors/registrar.hpp"
#include "actors/sessions.hpp"
#include "actors/strategies/outside.hpp"
#include "actors/strategies/strategy.hpp"
#include "actors/upkeep.hpp"

namespace deployminator::actors {

namespace {

using messages::failure;
using messages::result;

registrar_actor spawn_registrar(caf::actor_system& system, const server_config& config,
                                std::uint64_t last_event) {
  return config.detached_registrar
           ? system.spawn<caf::detached>(registrar, config.database, last_event)
           : system.spawn(registrar, config.database, last_event);
}

} // namespace

result<server_sockets> open_sockets(const server_config& config) {
  server_sockets out;
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

result<server> spawn_server(caf::actor_system& system, const server_config& config,
                            const server_sockets& sockets, std::uint64_t epoch) {
  auto loaded = config.database->load();
  if (!loaded)
    return loaded.error();
  // From here on the lease is renewed every second.
  if (auto renewed = config.database->renew_lead(); !renewed)
    return renewed.error();
  auto farm = std::make_shared<messages::farm>(std::move(*loaded));
  auto last_event = farm->last_event;

  server out;
  out.epoch = epoch;
  out.gateway = system.spawn(gateway, config.sockets);
  for (const auto& [kind, id] : sockets)
    caf::anon_send(out.gateway, atom::attach_v, id, kind);
  out.registrar = spawn_registrar(system, config, last_event);
  auto tells = system.spawn(publisher, publisher_config{out.gateway, out.registrar,
                                                        sockets.at(bus::socket_kind::events_server),
                                                        epoch, last_event});
  caf::anon_send(out.registrar, atom::attach_v, tells);
  auto store_id = farm->store_id;
  auto decides = system.spawn(
    deployminator,
    deployminator_config{out.registrar, std::move(farm), config.first_operator, config.utc_now,
                         config.random, config.asks_for_keys, config.kept_versions,
                         config.overcommit_percent, config.silence});
  auto strategies = spawn_strategies(system);
  auto asks_others
    = system.spawn(outside_strategies, outside_strategies_config{out.gateway, decides, epoch});
  auto plans = out.planner = system.spawn(planner, strategies, strategy_actor{asks_others});
  auto keeps_up = system.spawn(upkeep_keeper, decides, plans);
  caf::anon_send(decides, atom::attach_v, keeps_up);
  auto takes_orders = system.spawn(orders, decides, plans);
  auto knows_peers = out.sessions = system.spawn(
    sessions, sessions_config{out.gateway, decides, takes_orders, tells, epoch, config.publish,
                              config.collect, store_id, config.asks_for_keys, config.utc_now,
                              config.calm_from, asks_others});
  caf::anon_send(decides, atom::attach_v, doorkeeper_actor{knows_peers});
  caf::anon_send(out.gateway, atom::attach_v, receiver_actor{knows_peers});

  auto end_later
    = [&out](const auto& actor) { out.all.push_back(caf::actor_cast<caf::actor>(actor)); };
  end_later(knows_peers);
  end_later(takes_orders);
  end_later(keeps_up);
  end_later(decides);
  end_later(plans);
  end_later(asks_others);
  for (const auto& [name, strategy] : strategies)
    end_later(strategy);
  end_later(tells);
  end_later(out.registrar);
  end_later(out.gateway);
  return out;
}

} // namespace deployminator::actors
