#include "cli/arguments.hpp"
#include "cli/follow.hpp"
#include "cli/sentence.hpp"
#include "cli/tables.hpp"
#include "cli/troubles.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

#include <chrono>

namespace deployminator::cli::verbs {

namespace {

using namespace std::chrono_literals;

/// What --since takes, and nothing for what is not stored.
std::string number_text(std::uint64_t seq) {
  return seq == 0 ? fmt::format("{:>7}", "") : fmt::format("{:>7}", seq);
}

class events_verb : public command {
public:
  std::string name() const override {
    return "events";
  }
  std::string summary() const override {
    return "The event stream: what was stored, then what happens";
  }
  std::string details() const override {
    return "Each event once and in order, also across restarts of the server, until Ctrl-C.\n"
           "Each line begins with the number that --since takes. With --json one object a line,\n"
           "each with seq, time and type.\n\n"
           "Example: deploy --json events --since 1200\n\n"
           "Exit codes: 0 ended by Ctrl-C or --no-follow, 2 wrong usage, 3 the server cannot be\n"
           "reached.";
  }
  void declare(CLI::App& verb) override {
    verb
      .add_option_function<std::string>(
        "--since", [this](const std::string& text) { begin_with(text); },
        "Begin after the event of this number, or with this time: 2026-01-31T09:30:00Z, or as "
        "times are shown here, or how long ago: 10m; without it, with all")
      ->type_name("SEQ|TIME")
      ->check([](const std::string& text) {
        return number_from_text(text) || time_from_text(text, messages::system_utc_now())
                 ? std::string{}
                 : "\"" + printable(text)
                     + "\" is neither an event's number nor a time; expected one such as 1200, "
                       "2026-01-31T09:30:00Z (UTC), or how long ago: 10m";
      });
    add_wide_option(verb, wide_);
    verb.add_flag("--no-follow", no_follow_, "End after the stored events");
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    show_stored(c, server);
    if (!c.json)
      remark_troubles("the server", ask_table(server, messages::query_subject::machines).troubles,
                      c.zone);
    while (!no_follow_ && !server.is_interrupted()) {
      server.follow(since_);
      while (!server.is_interrupted() && !server.is_history_broken())
        if (auto event = server.next_event(client::clock::now() + 1s))
          show(c, *event);
      if (server.is_history_broken())
        begin_anew(server);
    }
    return exit_code::done;
  }

private:
  void begin_with(const std::string& text) {
    if (auto number = number_from_text(text))
      since_ = *number;
    else
      from_ = *time_from_text(text, messages::system_utc_now());
  }

  void show_stored(const context& c, client& server) {
    while (!server.is_interrupted()) {
      auto page = server.ask<messages::event_page>(messages::events_after{since_});
      for (const auto& each : page.events)
        show(c, each);
      if (page.events.empty() || since_ >= page.last)
        return;
    }
  }

  void show(const context& c, const messages::event& e) {
    if (e.seq != 0)
      since_ = e.seq;
    if (e.time < from_)
      return;
    if (c.json)
      return print(one_line(to_json(e)));
    auto shape = c.page(wide_);
    auto said = dated_sentence_of(e, shape);
    said.insert(said.begin(), {number_text(e.seq) + "  ", tone::dim});
    print(rendered(said, shape) + "\n");
  }

  /// The server's numbers do not go on from ours: goes on with what it has from now on.
  void begin_anew(client& server) {
    auto before = since_;
    since_ = server.ask<messages::event_page>(messages::events_after{0}).last;
    remark(fmt::format("deploy: the server's events do not go on from {}; going on after {}",
                       before, since_));
  }

  std::uint64_t since_ = 0;
  messages::timestamp from_;
  bool no_follow_ = false;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> events() {
  return std::make_unique<events_verb>();
}

} // namespace deployminator::cli::verbs
