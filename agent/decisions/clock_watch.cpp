#include "agent/decisions/clock_watch.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace deployminator::agent {

namespace {

/// A clock that is less off troubles nobody.
constexpr std::int64_t most_seconds = 5;

/// So many heartbeats in a row have to agree: those that waited while this process, or the network,
/// was held up come together, and are fewer: after 4 s without an answer the server sends no more.
constexpr std::uint32_t enough = 7;

} // namespace

troubles clock_watch::see(messages::timestamp server, messages::timestamp here) {
  auto seconds = (here.microseconds - server.microseconds) / 1'000'000;
  if (std::abs(seconds) <= most_seconds) {
    off_ = 0;
    now_.clear();
  } else if (++off_ == enough) {
    now_ = {{fmt::format("the machine's clock is {} s {} the server's", std::abs(seconds),
                         seconds > 0 ? "ahead of" : "behind"),
             {},
             "have a time service set both, such as systemd-timesyncd or chrony"}};
  }
  return now_;
}

} // namespace deployminator::agent
