#include "cli/order.hpp"

#include "cli/follow.hpp"
#include "cli/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace deployminator::cli {

using namespace messages;
using namespace std::chrono_literals;

namespace {

/// How long an order is sent again while the server is away, where the user gives no `--timeout`.
constexpr auto patience_for_orders = 60s;

/// Failed instances whose output is printed at the end.
constexpr std::size_t failures_shown = 3;

/// An order's rollouts: what has become of them, and which instances failed.
class rollouts {
public:
  explicit rollouts(std::vector<group_version> begun) : begun_(std::move(begun)) {}

  /// Takes in an event of theirs; true: it was the last one of all.
  bool take(const event& e) {
    if (auto* change = std::get_if<instance_change>(&e.what))
      if (change->to == messages::instance_state::failed)
        failed_[{e.namespace_, e.group}].insert_or_assign(change->id, *change);
    if (auto* end = std::get_if<rollout_finished>(&e.what))
      finished_[{e.namespace_, e.group}] = *end;
    return finished_.size() >= begun_.size();
  }

  exit_code exit() const {
    auto out = exit_code::done;
    for (const auto& [group, end] : finished_)
      out = worse_of(out, exit_of(end.outcome));
    return out;
  }

  /// The final result for people, one paragraph for each group.
  std::string summary(client& server, const std::string& took) const {
    std::string out;
    for (const auto& each : begun_) {
      group_name name{each.namespace_, each.group};
      const auto& end = finished_.at(name);
      out += end.outcome == rollout_outcome::succeeded ? success(server, name, each.version, took)
                                                       : defeat(name, each.version, end);
    }
    return out;
  }

private:
  static std::string success(client& server, const group_name& name, std::uint64_t version,
                             const std::string& took) {
    if (version == 0)
      return fmt::format("{}: undeployed, nothing of it runs any more ({})\n", to_text(name), took);
    auto rows = ask_table(server, query_subject::instances, name).instances;
    std::erase_if(rows, [&](const auto& each) { return each.version != version; });
    std::set<std::string> machines;
    std::uint64_t build = 0;
    for (const auto& each : rows) {
      machines.insert(each.machine);
      build = each.build;
    }
    return fmt::format("{}: version {}{} is deployed, {} on {} ({})\n", to_text(name), version,
                       build == 0 ? "" : fmt::format(" (build {})", build),
                       counted(rows.size(), "instance"), counted(machines.size(), "machine"), took);
  }

  std::string defeat(const group_name& name, std::uint64_t version,
                     const rollout_finished& end) const {
    auto out = fmt::format("{}: {} {}{}{}\n", to_text(name),
                           version == 0 ? "undeploying" : fmt::format("version {}", version),
                           end.outcome, end.reason.empty() ? "" : ": ", printable(end.reason));
    auto found = failed_.find(name);
    if (found == failed_.end())
      return out;
    std::size_t shown = 0;
    for (const auto& [id, change] : found->second) {
      if (shown++ == failures_shown)
        break;
      out += "  " + failure_text(change);
    }
    return out;
  }

  static std::string failure_text(const instance_change& c) {
    auto why = c.reason.empty() && c.exit ? fmt::format("exit {}", *c.exit) : printable(c.reason);
    auto out = fmt::format("{} on {}: {}\n", printable(c.id), printable(c.machine), why);
    std::string_view output = c.output;
    while (!output.empty()) {
      auto end = std::min(output.find('\n'), output.size());
      out += "    | " + printable(output.substr(0, end)) + "\n";
      output.remove_prefix(std::min(end + 1, output.size()));
    }
    return out;
  }

  std::vector<group_version> begun_;
  std::map<group_name, rollout_finished> finished_;
  std::map<group_name, std::map<std::string, instance_change>> failed_;
};

void print_accepted(const context& c, const accepted& reply) {
  if (c.json) {
    print(indented({{"versions", to_json(reply.versions)}}));
    return;
  }
  for (const auto& each : reply.versions) {
    auto name = to_text(group_name{each.namespace_, each.group});
    if (each.version == 0)
      print(fmt::format("{}: is being undeployed\n", name));
    else
      print(fmt::format("{}: version {} accepted\n", name, each.version));
  }
}

/// The groups as they are, so that the live view shows what runs until the new is ready.
void show_beginning(client& server, viewer& screen, const std::vector<group_version>& rollouts) {
  std::vector<instance_row> rows;
  for (const auto& each : rollouts) {
    auto some
      = ask_table(server, query_subject::instances, {each.namespace_, each.group}).instances;
    rows.insert(rows.end(), some.begin(), some.end());
    screen.picture().follow(each, system_utc_now());
  }
  screen.picture().show_instances(rows);
}

exit_code give_up(follow_end why, const order_options& options) {
  if (why == follow_end::history_broken)
    remark("deploy: the server's events do not go on from those seen so far, so the end of the "
           "rollout may have been missed; see `deploy status`");
  else if (why == follow_end::stopped)
    remark("deploy: stopped watching; the rollout goes on (deploy watch shows it)");
  else
    remark(fmt::format("deploy: gave up waiting after {}; the rollout goes on (deploy watch shows "
                       "it)",
                       seconds_text(static_cast<double>(options.timeout->count()) / 1000)));
  return exit_code::gave_up;
}

} // namespace

const std::string order_exit_codes
  = "Exit codes: 0 done and every instance is ready, 1 failed, reverted, superseded or refused,\n"
    "2 wrong usage or invalid file, 3 the server cannot be reached, 4 gave up waiting (--timeout\n"
    "or Ctrl-C): the rollout goes on.";

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

std::string new_order_id() {
  std::random_device random;
  std::string out;
  for (int i = 0; i < 4; ++i)
    out += fmt::format("{:08x}", random());
  return out;
}

exit_code carry_out(context& c, const message& order, const order_options& options) {
  auto begun = client::clock::now();
  std::optional<client::clock::time_point> deadline;
  if (options.timeout)
    deadline = begun + *options.timeout;
  client server{c.server, c.stop};
  server.connect();
  // From before the order on, so that nothing of it is missed, however often it has to be sent.
  if (!options.no_wait)
    server.follow(ask_table(server, query_subject::machines).seq);
  auto patience = std::max<client::clock::duration>(
    5s, options.timeout ? *options.timeout : std::chrono::milliseconds{patience_for_orders});
  auto reply = server.ask<accepted>(order, patience);
  if (options.no_wait) {
    print_accepted(c, reply);
    return exit_code::done;
  }

  viewer screen{c, reply.versions.size() > 1};
  if (screen.is_live())
    show_beginning(server, screen, reply.versions);
  rollouts all{reply.versions};
  auto why = follow(server, screen, scope{reply.versions}, deadline,
                    [&](const event& e) { return all.take(e); });
  if (why != follow_end::finished)
    return give_up(why, options);
  if (!c.json) {
    std::chrono::duration<double> took = client::clock::now() - begun;
    print(all.summary(server, seconds_text(took.count())));
  }
  return all.exit();
}

} // namespace deployminator::cli
