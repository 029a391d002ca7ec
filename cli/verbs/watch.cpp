#include "cli/arguments.hpp"
#include "cli/follow.hpp"
#include "cli/snapshot.hpp"
#include "cli/tables.hpp"
#include "cli/troubles.hpp"
#include "cli/verbs/verbs.hpp"

#include <chrono>
#include <unistd.h>

namespace deployminator::cli::verbs {

namespace {

using namespace std::chrono_literals;

/// The live view's tables are asked for anew so long after a decision, for what no event tells
/// (how many instances are wanted).
constexpr auto refresh_after = 500ms;

class watch_verb : public command {
public:
  std::string name() const override {
    return "watch";
  }
  std::string summary() const override {
    return "Follow what is going on, beginning with the whole picture";
  }
  std::string details() const override {
    return "Goes on until Ctrl-C, also across restarts of the server. With --json the first line\n"
           "is {type: \"snapshot\", time, seq, groups, instances, machines}, with the rows of\n"
           "`status`, `instances` and `machines`; each further line is an event after it.\n\n"
           "Example: deploy watch shop/web\n\n"
           "Exit codes: 0 ended by Ctrl-C, 1 no such group, 2 wrong usage, 3 the server cannot be\n"
           "reached.";
  }
  void declare(CLI::App& verb) override {
    add_namespace_or_group_argument(verb, of_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    viewer screen{c, STDOUT_FILENO, true};
    while (watch_from_snapshot(c, server, screen) == follow_end::history_broken)
      screen.say("the server's events do not go on from those shown: here is the picture anew",
                 tone::warning);
    return exit_code::done;
  }

private:
  follow_end watch_from_snapshot(const context& c, client& server, viewer& screen) const {
    auto picture = take_snapshot(server, of_);
    server.follow(picture.seq);
    show(picture, screen.picture());
    if (c.json)
      print(one_line(to_json(picture, messages::system_utc_now())));
    else
      introduce(c, picture, screen);

    std::optional<client::clock::time_point> refresh_at;
    auto note = [&](const messages::event& e) {
      if (std::holds_alternative<messages::rollout_step>(e.what)
          || std::holds_alternative<messages::rollout_finished>(e.what))
        refresh_at = client::clock::now() + refresh_after;
      return false;
    };
    auto refresh = [&] {
      if (!refresh_at || client::clock::now() < *refresh_at || !server.is_connected())
        return;
      refresh_at.reset();
      try {
        screen.picture().show_groups(
          ask_table(server, messages::query_subject::status, of_).groups);
      } catch (const setback&) {
        // The server went away meanwhile, which `follow` tells; the picture is a bit older then.
        refresh_at = client::clock::now() + refresh_after;
      }
    };
    scope what{of_};
    if (c.json)
      return follow(server, screen, what, std::nullopt, note);
    return follow(server, screen, what, std::nullopt, note, refresh);
  }

  static void introduce(const context& c, const snapshot& from, viewer& screen) {
    remark_troubles("the server", from.troubles, c.zone);
    screen.introduce(messages::system_utc_now());
  }

  static void show(const snapshot& from, board& on) {
    on.show_groups(from.groups);
    on.show_instances(from.instances);
    on.show_machines(from.machines);
  }

  group_name of_;
};

} // namespace

std::unique_ptr<command> watch() {
  return std::make_unique<watch_verb>();
}

} // namespace deployminator::cli::verbs
