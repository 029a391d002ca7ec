#include "test/bench/swarm/broken_farm.hpp"

#include "cli/client.hpp"
#include "test/bench/swarm/questioner.hpp"

#include <algorithm>
#include <thread>

namespace deployminator::bench {

namespace {

constexpr std::chrono::seconds pause_time{5};
constexpr std::chrono::milliseconds look_interval{200};
/// So long all must stay in sync to count: longer than it takes to lose a server that is busy with
/// what was said before.
constexpr std::chrono::seconds settle_time{5};

void wait_until_in_sync(stage& on, row& r, const meter& m) {
  // Nobody may have noticed anything: then all have been in sync since before.
  auto begun = std::chrono::steady_clock::now();
  r.complete = on.wait_for([begun](const counts& c) {
    auto since = std::max(c.all_in_sync_at, begun);
    return c.all_in_sync() && std::chrono::steady_clock::now() - since >= settle_time;
  });
  auto c = on.swarm.state().read();
  r.seconds = r.complete ? std::max(0.0, m.seconds_to(c.all_in_sync_at)) : m.seconds();
  r.done = c.in_sync;
  r.more["in_sync"] = c.in_sync;
}

void tell(const questioner& asking, row& r) {
  r.more["worst_answer_seconds"] = asking.worst_answer_seconds();
  r.more["answers"] = asking.answers();
}

/// All machines hang for as long as it lives.
class standstill {
public:
  explicit standstill(swarm& of) : of_(of) {
    of_.freeze(true);
  }
  ~standstill() {
    of_.freeze(false);
  }
  standstill(const standstill&) = delete;
  standstill& operator=(const standstill&) = delete;

private:
  swarm& of_;
};

std::uint64_t unreachable_machines(cli::client& client, cli::client::clock::duration timeout) {
  using namespace messages;
  std::uint64_t out = 0;
  query question{.subject = query_subject::machines};
  for (bool more = true; more;) {
    auto page = client.ask<table>(question, timeout);
    out += static_cast<std::uint64_t>(
      std::count_if(page.machines.begin(), page.machines.end(), [](const machine_row& each) {
        return each.state == machine_state::unreachable;
      }));
    question.offset += page.machines.size();
    more = page.more;
  }
  return out;
}

} // namespace

void measure_restart(stage& on, row& r, meter& m) {
  auto lost_before = on.swarm.state().read().sessions_lost;
  on.swarm.expect_welcomes();
  on.wait_for([](const counts& c) { return c.welcome == 0; });
  m.begin();
  on.server.kill();
  m.server_is_new();
  on.server.start(on.chosen.deadline);
  r.more["serves_seconds"] = m.seconds();
  questioner asking{on.server.port()};
  wait_until_in_sync(on, r, m);
  tell(asking, r);
  r.more["sessions_lost"] = on.swarm.state().read().sessions_lost - lost_before;
}

void measure_pause(stage& on, row& r, meter& m) {
  auto lost_before = on.swarm.state().read().sessions_lost;
  on.server.pause();
  std::this_thread::sleep_for(pause_time);
  on.until += pause_time;
  m.begin();
  on.server.go_on();
  questioner asking{on.server.port()};
  wait_until_in_sync(on, r, m);
  tell(asking, r);
  r.more["sessions_lost"] = on.swarm.state().read().sessions_lost - lost_before;
}

void measure_loss(stage& on, row& r, meter& m) {
  cli::client client{{{on.server.endpoint()}, {}}, on.stop};
  auto left = [&] { return on.until - std::chrono::steady_clock::now(); };
  client.ask<messages::table>(messages::query{}, left());
  m.begin();
  standstill all_hang{on.swarm};
  std::uint64_t unreachable = 0;
  auto all = on.swarm.state().read().agents;
  while (unreachable < all && left() > look_interval && !on.stop.requested()) {
    client.rest(std::chrono::steady_clock::now() + look_interval);
    unreachable = unreachable_machines(client, left());
  }
  r.seconds = m.seconds();
  r.complete = unreachable == all;
  r.done = unreachable;
  r.more["unreachable"] = unreachable;
  m.finish(r);
}

} // namespace deployminator::bench
