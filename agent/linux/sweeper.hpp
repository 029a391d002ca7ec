#pragma once

#include "agent/linux/reservations.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/watch_loop.hpp"

#include <functional>
#include <map>
#include <string>

namespace deployminator::agent {

/// What is to be swept up: what an instance left whose starter was killed.
struct sweep_order {
  std::string id;
  /// Everything of this user; -1: what of the agent's own has this `home` in its environment.
  std::int64_t uid = -1;
  /// The user is reserved by the caller until it is done; else it is reserved for so long.
  bool user_held = false;
  std::string home;
};

/// Ends what instances left whose starter was killed. Everything on the thread of the loop.
class sweeper {
public:
  /// `program`: the starter's. `loop` and `reserved` must outlive this.
  sweeper(watch_loop& loop, reservations& reserved, std::string program);

  /// Sweeps and calls `done` when nothing is left. `refused`: the user is another instance's now,
  /// which must not be ended.
  messages::result<void> start(const sweep_order& order, std::function<void()> done);

  /// The same, but nothing is left when it returns.
  messages::result<void> sweep_up(const sweep_order& order);

  /// Whether it sweeps for the instance.
  [[nodiscard]] bool is_at_work(const std::string& id) const {
    return running_.contains(id);
  }

private:
  /// One at work, and what keeps its user from being given out meanwhile.
  struct sweep {
    child_process process;
    owned_fd user;
  };

  messages::result<sweep> begin(const sweep_order& order);

  watch_loop& loop_;
  reservations& reserved_;
  std::string program_;
  std::map<std::string, sweep> running_;
};

} // namespace deployminator::agent
