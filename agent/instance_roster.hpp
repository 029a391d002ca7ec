#pragma once

#include "agent/decisions/assignment.hpp"
#include "agent/decisions/inheritance.hpp"
#include "agent/interfaces.hpp"

#include <map>
#include <string>
#include <vector>

namespace deployminator::agent {

/// Whom the INSTANCES work with.
struct roster_config {
  /// The machine's name.
  std::string machine;
  /// Must outlive the actors.
  outside* world = nullptr;
  public_ports_actor ports;
  fetcher_actor fetcher;
  journal_actor journal;
};

/// The INSTANCES of this machine, each with its last order. Belongs to the AGENT, whose linked
/// children they are.
class instance_roster {
public:
  /// `self`: the AGENT.
  instance_roster(agent_actor::pointer self, roster_config config);

  /// Re-creates the instances of `held` as they are on the machine; what else is there is to be
  /// gone. Without an assignment what is there is left alone. Called once, first.
  void take_over(inheritance left, const held_assignment& held);

  /// How many instances nobody took over yet, for there never was an assignment.
  [[nodiscard]] std::size_t strangers() const {
    return left_.size();
  }

  /// Brings the instances in line with what is held.
  void align(const spec_map& held);

  /// Tells those to be gone that are not `wanted`, and does nothing else.
  void stop_all_but(const spec_map& wanted);

  /// Tells those that may have waited for something what has changed.
  void revive(const std::string& what);

  /// Hands news from the launcher to its INSTANCE.
  void pass_on(const process_event& event);

  [[nodiscard]] bool contains(const std::string& id) const {
    return children_.contains(id);
  }

  /// Nothing of the instance is left.
  void erase(const std::string& id);

  /// The orders of those that are not in `held`: they are on their way out.
  [[nodiscard]] std::vector<messages::instance_spec> leaving(const spec_map& held) const;

private:
  struct member {
    instance_actor actor;
    /// Its last order.
    spec_ptr spec;
  };

  [[nodiscard]] spec_map existing() const;
  void spawn(newcomer who);
  void direct(const spec_ptr& spec);

  agent_actor::pointer self_;
  roster_config config_;
  std::map<std::string, member> children_;
  inheritance left_;
};

} // namespace deployminator::agent
