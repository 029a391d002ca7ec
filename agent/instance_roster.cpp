#include "agent/instance_roster.hpp"

#include "agent/decisions/fetch_queue.hpp"
#include "agent/decisions/reconcile.hpp"
#include "agent/instance.hpp"

#include <utility>

namespace deployminator::agent {

instance_roster::instance_roster(agent_actor::pointer self, roster_config config)
  : self_(self), config_(std::move(config)) {}

void instance_roster::take_over(inheritance left, const held_assignment& held) {
  left_ = std::move(left);
  if (held.generation == 0)
    return;
  for (const auto& spec : in_order(held.specs))
    spawn(left_.claim(spec));
  align(held.specs);
}

void instance_roster::align(const spec_map& held) {
  fetch_keys wanted;
  for (const auto& [id, spec] : held)
    wanted.insert(fetch_key(*spec));
  self_->send(config_.fetcher, atom::keep_v, std::move(wanted));
  auto before = existing();
  auto todo = reconcile(held, before);
  for (const auto& spec : todo.spawn)
    spawn(left_.claim(spec));
  for (const auto& id : left_.take_lost())
    self_->send(config_.journal, atom::erase_v, id);
  for (const auto& spec : todo.update)
    direct(spec);
  for (const auto& id : todo.stop)
    direct(to_be_gone(*before.at(id)));
  for (auto& each : left_.take_unwanted())
    spawn(std::move(each));
}

void instance_roster::stop_all_but(const spec_map& wanted) {
  auto before = existing();
  for (const auto& id : reconcile(wanted, before).stop)
    direct(to_be_gone(*before.at(id)));
}

void instance_roster::revive(const std::string& what) {
  for (const auto& [id, child] : children_)
    self_->send(child.actor, atom::revive_v, what);
}

void instance_roster::pass_on(const process_event& event) {
  if (auto child = children_.find(event.id); child != children_.end())
    self_->send(child->second.actor, event);
  else
    left_.note(event);
}

void instance_roster::erase(const std::string& id) {
  children_.erase(id);
}

std::vector<messages::instance_spec> instance_roster::leaving(const spec_map& held) const {
  std::vector<messages::instance_spec> out;
  for (const auto& [id, child] : children_)
    if (!held.contains(id))
      out.push_back(*child.spec);
  return out;
}

spec_map instance_roster::existing() const {
  spec_map out;
  for (const auto& [id, child] : children_)
    out[id] = child.spec;
  return out;
}

void instance_roster::spawn(newcomer who) {
  auto spec = who.spec;
  self_->send(config_.ports, atom::expect_v, spec);
  // A public port may lead to it still, so it goes on until the PUBLIC PORTS hand it its order.
  bool serves_yet = may_serve_yet(who);
  instance_config config{serves_yet ? to_go_on(*spec) : spec,
                         config_.machine,
                         std::move(who.found),
                         std::move(who.record),
                         config_.world,
                         config_.ports,
                         config_.fetcher,
                         config_.journal};
  children_[spec->id] = {self_->spawn<caf::linked>(instance, std::move(config)), spec};
  if (serves_yet)
    direct(spec);
}

void instance_roster::direct(const spec_ptr& spec) {
  auto& child = children_.at(spec->id);
  child.spec = spec;
  self_->send(config_.ports, atom::direct_v, spec, child.actor);
}

} // namespace deployminator::agent
