#include "cli/order.hpp"

#include "cli/follow.hpp"
#include "cli/rollouts.hpp"
#include "cli/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>

namespace deployminator::cli {

using namespace messages;
using namespace std::chrono_literals;

namespace {

/// How long an order is sent again while the server is away, where the user gives no `--timeout`.
constexpr auto order_timeout = 60s;

/// The rollout goes on to no end that could be waited for.
bool is_done_at_once(const message& order) {
  return std::holds_alternative<pause_rollout>(order);
}

void print_accepted(const context& c, const message& order, const accepted& reply) {
  if (c.json) {
    print(indented({{"versions", to_json(reply.versions)}}));
    return;
  }
  if (reply.versions.empty())
    print("nothing is to be done\n");
  for (const auto& each : reply.versions) {
    auto name = to_text(group_name{each.namespace_, each.group});
    if (is_done_at_once(order))
      print(fmt::format("{}: the rollout of version {} is paused\n", name, each.version));
    else if (each.version == 0)
      print(fmt::format("{}: is being undeployed\n", name));
    else
      print(fmt::format("{}: version {} accepted\n", name, each.version));
  }
}

/// The groups as they are, so that the live view shows what runs until the new is ready. Yields
/// their machines.
std::set<std::string> show_beginning(client& server, viewer& screen,
                                     const std::vector<group_version>& rollouts) {
  std::vector<group_row> groups;
  std::vector<instance_row> rows;
  for (const auto& each : rollouts) {
    group_name name{each.namespace_, each.group};
    auto known = ask_table(server, query_subject::status, name).groups;
    groups.insert(groups.end(), known.begin(), known.end());
    auto some = ask_table(server, query_subject::instances, name).instances;
    rows.insert(rows.end(), some.begin(), some.end());
  }
  screen.picture().show_groups(groups);
  screen.picture().show_instances(rows);
  for (const auto& each : rollouts)
    screen.picture().follow(each, system_utc_now());
  std::set<std::string> machines;
  for (const auto& each : rows)
    machines.insert(each.machine);
  return machines;
}

/// The jobs of a version that is brought are part of what was ordered.
bool brings_version(const message& order) {
  return std::holds_alternative<submit_build>(order)
         || std::holds_alternative<roll_to_version>(order);
}

/// Looks at what the rollouts, which have all ended, left running, and moves the deadline to when
/// the jobs among that have to have ended.
void begin_waiting_for_jobs(client& server, viewer& screen, rollouts& all,
                            std::optional<client::clock::time_point>& deadline) {
  all.look(server);
  if (!all.waits_for_jobs())
    return;
  auto until
    = client::clock::now() + std::chrono::duration_cast<client::clock::duration>(all.patience());
  deadline = std::min(deadline.value_or(until), until);
  screen.say(fmt::format("waits for its jobs, {} at most", seconds_text(all.patience().count())),
             tone::plain);
}

/// Why the end was not seen.
std::string sentence_of(follow_end why, const order_options& options) {
  if (why == follow_end::history_broken)
    return "the server's events do not go on from those seen so far, so the end of the rollout may "
           "have been missed; see `deploy status`";
  if (why == follow_end::stopped)
    return "stopped watching; the rollout goes on (deploy watch shows it)";
  return fmt::format("gave up waiting after {}; the rollout goes on (deploy watch shows it)",
                     seconds_text(static_cast<double>(options.timeout->count()) / 1000));
}

/// The last line of `--json`, where the last event is not all there is to say.
void tell_end(viewer& screen, const rollouts& all, const std::string& unseen) {
  auto jobs = all.jobs();
  auto more = jobs.empty() ? json::object() : json{{"jobs", std::move(jobs)}};
  screen.release_end(more);
  auto last = all.last_line(unseen, system_utc_now());
  if (!last)
    return;
  last->update(more);
  print(one_line(*last));
}

/// Follows what the order began until it is done, and says what became of it.
exit_code follow_through(const context& c, client& server, const message& order,
                         const order_options& options, const accepted& reply,
                         client::clock::time_point begun) {
  viewer screen{c, STDERR_FILENO, reply.versions.size() > 1};
  screen.count_many();
  scope what{reply.versions};
  if (!c.json)
    what.add_machines(show_beginning(server, screen, reply.versions));
  rollouts all{reply.versions, std::holds_alternative<stop_group>(order) ? "stopped" : "",
               std::holds_alternative<abort_rollout>(order) ? rollout_outcome::reverted
                                                            : rollout_outcome::succeeded};
  if (brings_version(order)) {
    all.await_jobs();
    if (reply.versions.size() == 1)
      screen.hold_end();
  }
  std::optional<client::clock::time_point> timeout;
  if (options.timeout)
    timeout = begun + *options.timeout;
  auto deadline = timeout;
  bool have_ended = false;
  auto why = follow(server, screen, what, deadline, [&](const event& e) {
    all.take(e);
    if (all.have_ended() && !std::exchange(have_ended, true))
      begin_waiting_for_jobs(server, screen, all, deadline);
    return have_ended && !all.waits_for_jobs();
  });
  auto unseen = have_ended ? std::string{} : sentence_of(why, options);
  if (have_ended)
    all.look(server);
  if (c.json)
    tell_end(screen, all, unseen);
  if (!have_ended) {
    remark("deploy: " + unseen);
    return exit_code::gave_up;
  }
  std::chrono::duration<double> took = client::clock::now() - begun;
  if (!c.json)
    print(all.summary(seconds_text(took.count())));
  bool is_cut_short = why == follow_end::stopped || (timeout && client::clock::now() >= *timeout);
  if (!all.waits_for_jobs() || !is_cut_short)
    return all.exit();
  remark("deploy: stopped waiting for its jobs, which go on");
  return worse_of(all.exit(), exit_code::gave_up);
}

} // namespace

const std::string order_exit_codes
  = "Exit codes: 0 done and every instance is ready, 1 failed, reverted, superseded or refused,\n"
    "2 wrong usage or invalid file, 3 the server cannot be reached, 4 gave up waiting: the "
    "rollout\n"
    "goes on (--timeout or Ctrl-C), or what is to stop may still run on a machine that cannot be\n"
    "reached, and stops when that is back.\n\n"
    "A job (`alwayson: false`) of a version that is rolled out is waited for, rollout.deadline at\n"
    "most once the rollout has ended: exit code 1 where it failed. One that still runs then is "
    "named\n"
    "as such.\n\n"
    "With --json the last line is of type rollout.finished, whatever becomes of it. Its outcome\n"
    "is succeeded, failed, reverted or superseded, or unknown where nobody waited for the end\n"
    "(exit code 4); a file of several groups ends with a line about all of them.";

void order_options::declare(CLI::App& verb) {
  verb.add_flag("--no-wait", no_wait, "Print the versions the server gave and end at once");
  verb
    .add_option_function<std::string>(
      "--timeout", [this](const std::string& text) { timeout = duration_from_text(text); },
      "Stop watching after this time, such as 90s or 5m; the rollout goes on")
    ->type_name("DURATION")
    ->check([](const std::string& text) {
      return duration_from_text(text)
               ? std::string{}
               : "\"" + printable(text) + "\" is no duration; expected one such as 500ms, 90s, 5m";
    });
}

exit_code carry_out(context& c, const message& order, const order_options& options) {
  auto begun = client::clock::now();
  client server{c.access(), c.stop};
  server.connect();
  // From before the order on, so that nothing of it is missed, however often it has to be sent.
  bool follows = !options.no_wait && !is_done_at_once(order);
  if (follows)
    server.follow(ask_table(server, query_subject::machines).seq);
  auto timeout = std::max<client::clock::duration>(
    5s, options.timeout ? *options.timeout : std::chrono::milliseconds{order_timeout});
  auto reply = server.ask<accepted>(order, timeout);
  go_on_without_output();
  if (follows && !reply.versions.empty())
    return follow_through(c, server, order, options, reply, begun);
  print_accepted(c, order, reply);
  return exit_code::done;
}

} // namespace deployminator::cli
