#pragma once

#include "messages/duration.hpp"
#include "messages/packing.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The messages between the server and a client that offers a strategy.
namespace deployminator::messages {

/// Client → server: this process places the applications whose deploy.yaml names the strategy.
/// Good for as long as the client's session; the newest offer of a name counts. Answered by
/// `offered`.
struct offer_strategy {
  static constexpr std::string_view type = "offer_strategy";
  std::string name;
  MSGPACK_DEFINE_MAP(name)
};

/// Server → client: from now on it is asked.
struct offered {
  static constexpr std::string_view type = "offered";
  std::string name;
  /// Each `place` is to be answered within this time.
  duration deadline{0};
  MSGPACK_DEFINE_MAP(name, deadline)
};

/// A machine that instances could be put on, in `place`.
struct place_candidate {
  std::string name;
  /// False: nothing new may be put there now; what is there counts.
  bool reachable = true;
  std::uint64_t memory_mb = 0;
  /// The sum of what the instances on it are promised.
  std::uint64_t promised_mb = 0;
  /// Instances of all applications on it, and those that stay of the one that is asked about.
  std::uint64_t instances = 0;
  std::uint64_t own = 0;
  MSGPACK_DEFINE_MAP(name, reachable, memory_mb, promised_mb, instances, own)
};

/// Server → client that offers the strategy: where do the missing instances go? Answered by
/// `placed` or `refusal`.
struct place {
  static constexpr std::string_view type = "place";
  std::string strategy;
  /// `namespace/group/application`.
  std::string application;
  /// Wanted: all together or, with `per_machine`, on a machine.
  std::uint64_t instances = 0;
  bool per_machine = false;
  /// At most so many on one machine; 0: any number.
  std::uint64_t max_per_machine = 0;
  std::vector<std::string> machine_groups;
  /// What one instance is promised.
  std::uint64_t memory_mb = 0;
  /// How many are missing; with `per_machine` 0, for that is the strategy's to say.
  std::uint64_t missing = 0;
  /// The machines of the machine groups, by name.
  std::vector<place_candidate> machines;
  MSGPACK_DEFINE_MAP(strategy, application, instances, per_machine, max_per_machine, machine_groups,
                     memory_mb, missing, machines)
};

/// Client → server: one machine for each instance to add, and why these.
struct placed {
  static constexpr std::string_view type = "placed";
  std::vector<std::string> machines;
  std::string reason;
  MSGPACK_DEFINE_MAP(machines, reason)
};

} // namespace deployminator::messages
