#pragma once

#include <caf/all.hpp>

#include <utility>

namespace deployminator::agent {

/// Sends to an actor as long as it lives. For callbacks of the outside, which may be called when
/// the actor, and even its actor system, is gone.
template <class Handle>
class weak_handle {
public:
  explicit weak_handle(const Handle& to) : to_(caf::actor_cast<caf::weak_actor_ptr>(to)) {}

  template <class... Content>
  void send(Content&&... content) const {
    if (auto alive = caf::actor_cast<caf::strong_actor_ptr>(to_))
      caf::anon_send(caf::actor_cast<Handle>(alive), std::forward<Content>(content)...);
  }

private:
  caf::weak_actor_ptr to_;
};

} // namespace deployminator::agent
