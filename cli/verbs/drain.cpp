#include "cli/follow.hpp"
#include "cli/order.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

namespace deployminator::cli::verbs {

namespace {

using namespace messages;

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

/// Follows what happens until the machine is empty.
exit_code wait_until_drained(const context& c, client& server, const std::string& name,
                             std::optional<client::clock::time_point> deadline) {
  viewer screen{c, STDERR_FILENO, true};
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
    why = follow(server, screen, scope{}, deadline, is_last);
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
           "`draining`, then `drained`. Ends at once, unless it is told to wait.\n\n"
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
