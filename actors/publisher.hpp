#pragma once

#include "actors/decisions/progress_record.hpp"
#include "actors/interfaces.hpp"

#include <deque>

namespace deployminator::actors {

/// What the PUBLISHER remembers.
struct publisher_state {
  static inline constexpr const char* name = "publisher";
  bus::socket_id socket = 0;
  std::uint64_t epoch = 0;
  // Not first: CAF would take a state whose first member is a typed handle for one that wants
  // `self`.
  gateway_actor gateway;
  registrar_actor registrar;
  /// The newest events, for late watchers; older ones are in the store.
  std::deque<messages::event> recent;
  std::uint64_t last = 0;
  progress_record progress;
  /// Progress that is to be kept and waits for the batch before it to be stored.
  std::vector<messages::event> waiting;
  bool storing = false;
  /// The store may have events that nobody was told of.
  bool unsure = false;
  /// The REGISTRAR was asked for those.
  bool asking = false;
};

/// Where the PUBLISHER publishes.
struct publisher_config {
  gateway_actor gateway;
  registrar_actor registrar;
  /// An open `events_server`.
  bus::socket_id socket = 0;
  std::uint64_t epoch = 0;
  /// The number of the last event stored before.
  std::uint64_t last_event = 0;
};

publisher_actor::behavior_type publisher(publisher_actor::stateful_pointer<publisher_state> self,
                                         publisher_config config);

} // namespace deployminator::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::publisher_config)
