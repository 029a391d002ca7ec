#pragma once

#include "cli/client.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace deployminator::bench {

/// Gives orders and sees what becomes of them, as `deploy` does.
class rollout_watch {
public:
  /// `until`: when nothing is waited for any more. Throws `cli::setback` where no server answers.
  rollout_watch(const std::string& server, cli::interruption& stop, bus::time_point until);

  /// Counts anew what gets ready and succeeds.
  void begin();

  void submit(const messages::submit_build& order);
  void undeploy(const messages::undeploy& order);

  /// Whether so many instances of what was ordered were told ready in time.
  bool wait_for_ready(std::uint64_t instances);
  /// Whether every rollout that was ordered succeeded in time.
  bool wait_for_end();

  std::uint64_t ready() const;
  std::uint64_t succeeded() const;

  cli::client& client();
  /// What is left until the end.
  cli::client::clock::duration timeout() const;

private:
  void expect(const messages::accepted& order);
  bool take_event();

  cli::client client_;
  bus::time_point until_;
  /// By group, the version that is on its way; 0 while it is being undeployed.
  std::map<std::string, std::uint64_t> under_way_;
  std::set<std::uint64_t> versions_;
  std::set<std::string> ready_;
  std::uint64_t succeeded_ = 0;
};

} // namespace deployminator::bench
