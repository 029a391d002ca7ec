#include "cli/follow.hpp"

#include <algorithm>
#include <chrono>

namespace deployminator::cli {

using namespace std::chrono_literals;

namespace {

/// Tells people once when the server goes and when it is back.
class connection_notice {
public:
  void look(const client& from, viewer& to) {
    bool connected = from.is_connected();
    if (connected == told_)
      return;
    told_ = connected;
    if (connected)
      to.say("connected again", tone::good);
    else
      to.say("server lost, reconnecting…", tone::warning);
  }

private:
  bool told_ = true;
};

} // namespace

follow_end follow(client& from, viewer& to, const scope& what,
                  const std::optional<client::clock::time_point>& deadline,
                  const std::function<bool(const messages::event&)>& is_last,
                  const std::function<void()>& between) {
  connection_notice notice;
  auto end = [&](follow_end why) {
    to.settle(messages::system_utc_now());
    return why;
  };
  while (true) {
    auto now = client::clock::now();
    if (from.is_interrupted())
      return end(follow_end::stopped);
    if (deadline && now >= *deadline)
      return end(follow_end::out_of_time);
    if (from.is_history_broken())
      return end(follow_end::history_broken);
    auto event = from.next_event(std::min(deadline.value_or(now + 1s), now + 250ms));
    notice.look(from, to);
    if (event && what.concerns(*event)) {
      to.take(*event, messages::system_utc_now());
      if (is_last(*event))
        return end(follow_end::finished);
    }
    if (between)
      between();
    to.refresh(messages::system_utc_now());
  }
}

} // namespace deployminator::cli
