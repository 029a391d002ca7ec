#include "agent/linux/sweeper.hpp"

#include <utility>

namespace deployminator::agent {

using messages::result;

sweeper::sweeper(watch_loop& loop, reservations& reserved, std::string program)
  : loop_(loop), reserved_(reserved), program_(std::move(program)) {}

result<void> sweeper::start(const sweep_order& order, std::function<void()> done) {
  auto begun = begin(order);
  if (!begun)
    return begun.error();
  auto& work = running_[order.id] = std::move(*begun);
  loop_.watch(work.process.handle.get(), [this, id = order.id, done = std::move(done)] {
    auto found = running_.find(id);
    if (found == running_.end() || !has_ended(found->second.process.handle))
      return;
    loop_.forget(found->second.process.handle.get());
    reap(found->second.process.handle);
    running_.erase(found);
    done();
  });
  return {};
}

result<void> sweeper::sweep_up(const sweep_order& order) {
  auto begun = begin(order);
  if (!begun)
    return begun.error();
  reap(begun->process.handle);
  return {};
}

result<sweeper::sweep> sweeper::begin(const sweep_order& order) {
  sweep out;
  if (order.uid >= 0 && !order.user_held) {
    auto again = reserved_.this_user(order.uid);
    if (!again)
      return again.error();
    out.user = std::move(*again);
  }
  auto process = spawn_sweep(program_, order.uid, order.home);
  if (!process)
    return process.error();
  out.process = std::move(*process);
  return out;
}

} // namespace deployminator::agent
