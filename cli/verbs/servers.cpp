#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

std::vector<span> row(const messages::server_row& s, time_zone zone) {
  return {{printable(s.name), tone::strong},
          {printable(s.listen)},
          {std::string{messages::to_text(s.state)}, tone_of(s.state)},
          {clock_text(s.since, zone)},
          {s.epoch == 0 ? std::string{} : std::to_string(s.epoch)},
          {printable(s.version)}};
}

class servers_verb : public command {
public:
  std::string name() const override {
    return "servers";
  }
  std::string summary() const override {
    return "Servers of the farm: which one reigns, and which stand by to take over";
  }
  std::string details() const override {
    return "The one that reigns is asked. A server that was not there for a week is not shown.\n\n"
           "Example: deploy servers\n\n"
           "Exit codes: 0 shown, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto servers = ask_table(server, messages::query_subject::servers).servers;
    if (c.json)
      print(indented(to_json(servers)));
    else
      print_rows(c.page(wide_), servers, c.zone);
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::server_row>& servers,
                         time_zone zone) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : servers)
      rows.push_back(row(each, zone));
    print(table_text({{.heading = "SERVER", .shortens = 2, .least = 12},
                      {.heading = "LISTEN", .shortens = 1, .least = 16},
                      {.heading = "STATE"},
                      {.heading = "SINCE", .drops = 2},
                      {.heading = "EPOCH", .drops = 3},
                      {.heading = "VERSION", .drops = 1}},
                     rows, c));
  }

  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> servers() {
  return std::make_unique<servers_verb>();
}

} // namespace deployminator::cli::verbs
