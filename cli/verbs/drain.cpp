#include "cli/follow.hpp"
#include "cli/obstacles.hpp"
#include "cli/order.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <unistd.h>
#include <utility>
#include <vector>

namespace deployminator::cli::verbs {

namespace {

using namespace messages;
using namespace std::chrono_literals;

/// What the machine is; unreachable where there is none of the name.
machine_state state_of(client& server, const std::string& name) {
  auto all = ask_table(server, query_subject::machines).machines;
  auto found = std::ranges::find(all, name, &machine_row::name);
  return found == all.end() ? machine_state::unreachable : found->state;
}

void print_begun(const context& c, const std::string& name, machine_state state) {
  if (c.json)
    return print(indented({{"name", name}, {"state", std::string{to_text(state)}}}));
  print(fmt::format("{} is {}{}\n", printable(name), to_text(state),
                    state == machine_state::drained
                      ? ""
                      : "; what is on it comes elsewhere first (deploy machines, deploy watch)"));
}

/// Looks now and then at what keeps the machine from being empty, and tells what is new in it.
class obstacle_watch {
public:
  obstacle_watch(const context& c, client& server, viewer& screen, const std::string& machine)
    : context_(c), server_(server), screen_(screen), machine_(machine) {}

  void look() {
    auto begun = client::clock::now();
    if (begun < next_look_ || !server_.is_connected())
      return;
    try {
      auto found = obstacles();
      // What lasts but a moment keeps nobody waiting.
      if (std::exchange(seen_, found) == found)
        tell(found);
    } catch (const setback&) {
      // The server went away, which `follow` tells, or a group did.
      groups_.clear();
    }
    auto now = client::clock::now();
    next_look_ = now + std::max<client::clock::duration>(1s, 10 * (now - begun));
  }

private:
  /// Groups that are told of.
  static constexpr std::size_t most_told = 10;

  std::vector<obstacle> obstacles() {
    if (groups_.empty())
      for (const auto& each : ask_table(server_, query_subject::instances).instances)
        if (each.machine == machine_)
          groups_.insert({each.namespace_, each.group});
    std::vector<obstacle> out;
    for (auto each = groups_.begin(); each != groups_.end() && out.size() < most_told;) {
      auto instances = ask_table(server_, query_subject::instances, *each).instances;
      auto groups = ask_table(server_, query_subject::status, *each).groups;
      bool is_there = std::ranges::count(instances, machine_, &instance_row::machine) > 0;
      if (is_there && !groups.empty())
        out.push_back(obstacle_of(groups.front(), instances, machine_));
      each = is_there ? std::next(each) : groups_.erase(each);
    }
    return out;
  }

  void tell(const std::vector<obstacle>& now) {
    auto before = std::exchange(told_, now);
    if (now == before)
      return;
    if (context_.json)
      return print(
        one_line({{"type", "drain.waits"}, {"machine", machine_}, {"obstacles", to_json(now)}}));
    for (const auto& each : now)
      if (std::ranges::find(before, each) == before.end())
        screen_.say(sentence_of(each), tone::busy);
  }

  const context& context_;
  client& server_;
  viewer& screen_;
  const std::string& machine_;
  client::clock::time_point next_look_ = client::clock::now() + 1s;
  /// Those that have something on the machine.
  std::set<group_name> groups_;
  std::vector<obstacle> seen_;
  std::vector<obstacle> told_;
};

/// Follows what happens until the machine is empty.
exit_code wait_until_drained(const context& c, client& server, const std::string& name,
                             std::optional<client::clock::time_point> deadline) {
  viewer screen{c, STDERR_FILENO, true};
  obstacle_watch obstacles{c, server, screen, name};
  auto last = state_of(server, name);
  auto is_last = [&](const event& e) {
    const auto* told = std::get_if<machine_change>(&e.what);
    if (!told || told->machine != name)
      return false;
    last = told->to;
    bool taken_back = told->to == machine_state::ready && told->from != machine_state::ready;
    return told->to == machine_state::drained || taken_back;
  };
  auto why = follow_end::finished;
  if (last == machine_state::drained)
    screen.take({0, system_utc_now(), {}, {}, 0, machine_change{name, last, last, "it is empty"}},
                system_utc_now());
  else
    why = follow(server, screen, scope{}, deadline, is_last, [&] { obstacles.look(); });
  if (why != follow_end::finished) {
    remark(fmt::format("deploy: stopped watching; {} goes on draining (deploy machines shows it)",
                       printable(name)));
    return exit_code::gave_up;
  }
  if (last != machine_state::drained) {
    remark(fmt::format("deploy: {} was undrained meanwhile", printable(name)));
    return exit_code::failed;
  }
  if (!c.json)
    print(fmt::format("{} is drained: nothing is left on it\n", printable(name)));
  return exit_code::done;
}

class drain_verb : public command {
public:
  std::string name() const override {
    return "drain";
  }
  std::string summary() const override {
    return "Empty a machine: what is on it comes elsewhere first";
  }
  std::string details() const override {
    return "The machine takes nothing new. Each group brings what it has there to other machines,\n"
           "by its rollout rules, and stops the old ones when all of those are ready; where no\n"
           "other machine may have it, it stays. A group with a rollout under way, also one that\n"
           "is paused or waits for `promote`, follows when that has ended. `deploy machines` says\n"
           "`draining`, then `drained`. Ends at once, unless it is told to wait; then it also "
           "says,\n"
           "whenever that changes, what each group there waits for. Ten groups at most move at\n"
           "once.\n\n"
           "Example: deploy drain web1 --wait\n\n"
           "Exit codes: 0 ordered, with --wait drained; 1 refused, or undrained meanwhile; 2 "
           "wrong\n"
           "usage; 3 the server cannot be reached; 4 gave up waiting: it goes on draining.";
  }
  void declare(CLI::App& verb) override {
    verb.add_option("MACHINE", machine_, "Its name, as `deploy machines` shows it")->required();
    verb.add_flag("--wait", wait_, "Follow what happens until nothing is left on it");
    verb
      .add_option_function<std::string>(
        "--timeout", [this](const std::string& text) { timeout_ = duration_from_text(text); },
        "Stop waiting after this time, such as 90s or 5m; it goes on draining")
      ->type_name("DURATION")
      ->check([](const std::string& text) {
        return duration_from_text(text)
                 ? std::string{}
                 : "\"" + printable(text) + "\" is no duration; expected one such as 90s, 5m";
      });
  }
  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    std::optional<client::clock::time_point> deadline;
    if (timeout_)
      deadline = client::clock::now() + *timeout_;
    if (wait_)
      server.follow(ask_table(server, query_subject::machines).seq);
    server.ask<accepted>(drain_machine{{new_random_id(), machine_}});
    go_on_without_output();
    if (wait_)
      return wait_until_drained(c, server, machine_, deadline);
    print_begun(c, machine_, state_of(server, machine_));
    return exit_code::done;
  }

private:
  std::string machine_;
  bool wait_ = false;
  std::optional<std::chrono::milliseconds> timeout_;
};

} // namespace

std::unique_ptr<command> drain() {
  return std::make_unique<drain_verb>();
}

} // namespace deployminator::cli::verbs
