#pragma once

#include "actors/interfaces.hpp"
#include "store/store.hpp"

namespace deployminator::actors {

/// What the REGISTRAR remembers.
struct registrar_state {
  static inline constexpr const char* name = "registrar";
  store::store* database = nullptr;
  publisher_actor publisher;
  /// Counts the changes of this epoch.
  std::uint64_t changes = 0;
  /// The number of the newest event in the store.
  std::uint64_t last_event = 0;
};

/// `database` has begun its epoch, and outlives the actor. Spawn it detached: the store blocks.
registrar_actor::behavior_type registrar(registrar_actor::stateful_pointer<registrar_state> self,
                                         store::store* database, std::uint64_t last_event);

/// As many of the events as fit into one message, with the number of the newest there is.
event_page_ptr page_of(std::vector<messages::event> events, std::uint64_t last);

} // namespace deployminator::actors
