#pragma once

#include "agent/decisions/fetch_queue.hpp"
#include "agent/decisions/fetch_watch.hpp"
#include "agent/interfaces.hpp"

#include <chrono>
#include <map>
#include <string>

namespace deployminator::agent {

/// What the FETCHER remembers.
struct fetcher_state {
  static inline constexpr const char* name = "fetcher";
  std::string machine;
  outside* world = nullptr;
  common::gateway_actor gateway;
  bus::socket_id progress_socket = 0;
  std::uint64_t epoch = 0;
  fetch_queue queue;
  fetch_watch watch;
  /// A look at it is due.
  bool ticking = false;
  /// Of the partial files that may be wanted again, as the downloader knows them.
  fetch_keys kept;
  /// By instance id.
  std::map<std::string, instance_actor> waiting;
  /// By key: when progress was published last.
  std::map<std::string, std::chrono::steady_clock::time_point> published;
};

/// `world` must outlive the actor. `machine` is the machine's name.
fetcher_actor::behavior_type fetcher(fetcher_actor::stateful_pointer<fetcher_state> self,
                                     std::string machine, outside* world,
                                     common::gateway_actor gateway);

} // namespace deployminator::agent
