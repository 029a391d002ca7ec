#include "actors/common/gateway.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "messages/codec.hpp"

namespace deployminator::common {

namespace {

void refuse(gateway_state& state, const bus::inbound& in, const messages::failure& why) {
  log::warning("gateway refused message", {{"reason", why.message}});
  auto kind = state.kinds.find(in.socket);
  if (kind == state.kinds.end() || kind->second != bus::socket_kind::orders_server)
    return;
  messages::envelope answer{messages::correlation_of(in.bytes), 0, messages::refusal{why}};
  state.sockets->send(in.socket, in.peer, messages::encode(answer));
}

void deliver(gateway_state& state, const bus::inbound& in) {
  if (!state.receiver || !state.kinds.contains(in.socket))
    return;
  received arrived{in.socket, in.peer, nullptr, in.key, in.failed, in.ticket};
  if (!in.bytes.empty()) {
    auto decoded = messages::decode(in.bytes);
    if (!decoded)
      return refuse(state, in, decoded.error());
    arrived.envelope = std::make_shared<const messages::envelope>(std::move(*decoded));
  }
  caf::anon_send(state.receiver, atom::deliver_v, std::move(arrived));
}

} // namespace

gateway_actor::behavior_type gateway(gateway_actor::stateful_pointer<gateway_state> self,
                                     bus::bus* sockets) {
  auto& state = self->state;
  state.sockets = sockets;
  return {
    [&state](atom::attach, const receiver_actor& receiver) { state.receiver = receiver; },
    [&state](atom::attach, bus::socket_id socket, bus::socket_kind kind) {
      state.kinds[socket] = kind;
    },
    [&state](const bus::inbound& in) { deliver(state, in); },
    [&state](atom::dispatch, bus::socket_id socket, std::string& peer,
             const envelope_ptr& envelope) {
      state.sockets->send(socket, std::move(peer), messages::encode(*envelope));
    },
    [&state](atom::dispatch, bus::socket_id socket, const peers_ptr& peers,
             const envelope_ptr& envelope) {
      auto bytes = messages::encode(*envelope);
      for (const auto& each : *peers)
        state.sockets->send(socket, each, bytes);
    },
    [&state](atom::trust, const trusted_keys_ptr& who) { state.sockets->trust(*who); },
    [&state](atom::shut, bus::socket_id socket) {
      state.kinds.erase(socket);
      state.sockets->close(socket);
    },
    [&state](atom::open, bus::socket_kind kind,
             const std::string& endpoint) -> caf::result<bus::socket_id> {
      auto opened = state.sockets->open(kind, endpoint);
      if (!opened)
        return to_error(opened.error());
      state.kinds[*opened] = kind;
      return *opened;
    },
  };
}

} // namespace deployminator::common
