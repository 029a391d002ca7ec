#pragma once

#include "messages/change.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulation/client.hpp"
#include "simulation/database.hpp"
#include "simulation/hosts.hpp"
#include "simulation/program.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// The promises, checked against what really is: what the machines do and what the database holds.
class checks {
public:
  /// The one that some machines lead to group `g0`.
  static constexpr std::uint16_t public_port = 80;

  checks(timeline& clock, trace& record, const database& db, const artifact_server& web,
         const programs& all);

  // -- all along -----------------------------------------------------------------------------

  /// Before a change is made: the old version stays until the new one is proven, and generations
  /// only grow.
  void before_commit(const messages::farm& before, const messages::change& c);

  /// After it is made: what every machine holds is known by its generation.
  void after_commit(const messages::change& c);

  /// An agent wrote what it holds to its disk: it is what the server wanted once, and no older than
  /// what it held before.
  void after_save(const std::string& machine, const agent::agent_record& before,
                  const agent::agent_record& now);

  /// Before an agent starts a program: it does not run already, and it was wanted.
  void before_launch(const std::string& machine, const std::string& id);

  /// Before an agent ends a program: the server wants it gone.
  void before_end(const std::string& machine, const std::string& id);

  /// The same: the public port leads away from it, where there is another one to lead to.
  void before_target_ends(const machine& box, const std::string& id);

  /// A server acknowledges an order: it is in the database.
  void before_acknowledgement(const std::string& order_id);

  /// Somebody was told what this order will do, and orders just that.
  void after_plan(const std::string& order_id, const messages::build_plan& told);

  // -- when everything has been calm for long ------------------------------------------------

  void at_the_end(const std::map<std::string, std::unique_ptr<agent_host>>& agents,
                  const std::set<std::string>& switched_off);
  /// `published`: how many events every watcher has heard of by now; later ones may be on their
  /// way.
  void at_the_end(const client& watcher, std::size_t published);

private:
  void fail(const std::string& rule, const std::string& what);
  void check_proven(const messages::farm& before, const messages::change& c,
                    const messages::instance& old);
  void check_placed(const messages::farm& before, const messages::change& c,
                    const messages::instance& placed);
  void check_replacement(const messages::farm& before, const messages::change& c,
                         const messages::instance& placed);
  /// An instance is told to run: its rollout is not held, and asks nobody first.
  void check_held(const messages::farm& before, const messages::change& c,
                  const messages::instance& started);
  /// The old one makes room for a new one, and no more are missing than may be.
  [[nodiscard]] bool makes_room(const messages::farm& before, const messages::change& c,
                                const messages::rollout& r, const messages::instance& old) const;
  void check_planned(const messages::change& c, const messages::receipt& order);
  [[nodiscard]] bool is_surplus(const messages::farm& before, const messages::change& c,
                                const messages::instance& old) const;
  void note_machines(const messages::change& c);
  void note_unproven(const messages::farm& before, const messages::group& g);
  [[nodiscard]] bool may_fail(const messages::version& v) const;
  [[nodiscard]] bool is_proven(const messages::farm& f, const std::string& id) const;
  [[nodiscard]] bool is_ready(const std::string& id) const;
  [[nodiscard]] bool is_left(const messages::instance& row) const;
  void check_application(const messages::version& v, const messages::application& app,
                         const std::set<std::string>& present);
  void check_replaced(const messages::application& app, const std::string& name,
                      std::size_t within_reach);
  void check_instance(const messages::instance& row);
  void check_agent(const agent_host& agent);
  void check_public_port(const agent_host& agent);
  /// The instances of `g0` on a machine that are ready, as the server sees them.
  [[nodiscard]] std::vector<const messages::instance*> served_by(const std::string& machine) const;
  void check_orders();
  void check_told_states();

  timeline& clock_;
  trace& record_;
  const database& db_;
  const artifact_server& web_;
  const programs& all_;
  /// By the orders' ids.
  std::map<std::string, messages::build_plan> planned_;
  /// What was told of each machine last.
  std::map<std::string, messages::machine_state> told_machines_;
  /// The machines that were there before the change, or became so with it.
  std::set<std::string> there_meanwhile_;
  /// The instances that were to run at some time.
  std::set<std::string> told_to_run_;
  /// Applications of versions that were deployed while they were stopped on purpose.
  std::set<std::pair<std::uint64_t, std::string>> unproven_;
  /// By machine and generation: `digest_of` the assignment.
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> assigned_;
};

} // namespace deployminator::simulation
