#pragma once

#include "agent/decisions/assignment.hpp"
#include "agent/decisions/report_ledger.hpp"
#include "test/bench/swarm/peer.hpp"
#include "test/bench/swarm/tally.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace deployminator::bench {

/// An agent without programs, downloads and disk: what it is told to fetch is fetched at once, what
/// it is told to run is ready at once. It speaks the protocol as the real one does, with the real
/// one's decisions.
class played_agent : public peer {
public:
  played_agent(std::uint16_t number, tally& all);

  /// It counts as welcome again after the next welcome.
  void expect_welcome();

private:
  messages::hello introduction() override;
  void session_opened(time_point now, const messages::welcome& answer) override;
  void session_lost() override;
  void take(time_point now, const messages::envelope& e) override;
  void say_what_is_due(time_point now) override;
  time_point next_due() const override;

  void take_assignment(time_point now, const messages::assignment& part);
  void hold(agent::assignment_verdict verdict);
  messages::observation observation_of(const messages::instance_spec& spec);
  /// Tells the tally how it stands.
  void note();

  std::string name_;
  std::string identity_;
  tally& all_;
  standing standing_;
  bool introduced_ = false;
  bool welcome_ = false;
  /// The last assignment that came is held.
  bool fits_ = true;
  agent::held_assignment held_;
  std::uint64_t held_digest_;
  agent::assignment_inbox inbox_;
  agent::report_ledger ledger_;
  std::int64_t last_pid_ = 1000;
};

} // namespace deployminator::bench
