#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/troubles.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

namespace deployminator::cli::verbs {

namespace {

std::string trouble_text(const messages::machine_row& m) {
  std::vector<std::string> out;
  for (const auto& each : m.troubles)
    out.push_back(printable(each.what));
  return fmt::format("{}", fmt::join(out, "; "));
}

std::vector<span> row(const messages::machine_row& m, messages::timestamp now) {
  return {{printable(m.name), tone::strong},
          {std::string{messages::to_text(m.state)}, tone_of(m.state)},
          {printable(fmt::format("{}", fmt::join(m.groups, ",")))},
          {std::to_string(m.instances)},
          {bytes_text(m.memory_mb * 1024 * 1024)},
          {printable(m.agent_version)},
          {age_text(m.last_seen, now) + " ago"},
          {trouble_text(m), tone::bad}};
}

/// What to do about each trouble.
void remark_troubles(const messages::table& all, time_zone zone) {
  cli::remark_troubles("the server", all.troubles, zone);
  for (const auto& machine : all.machines) {
    if (machine.state == messages::machine_state::unreachable)
      remark(fmt::format("{}: nothing was heard of its agent since {}: see that the machine runs "
                         "and reaches the server, then on it `systemctl status autodeployer` and "
                         "`autodeployer --check`; what it runs goes on meanwhile",
                         printable(machine.name), clock_text(machine.last_seen, zone)));
    cli::remark_troubles(machine.name, machine.troubles, zone);
  }
}

class machines_verb : public command {
public:
  std::string name() const override {
    return "machines";
  }
  std::string summary() const override {
    return "Machines: which agents there are, whether they can be reached, and what is wrong there";
  }
  std::string details() const override {
    return "Example: deploy machines\n\n"
           "Exit codes: 0 shown, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto all = ask_table(server, messages::query_subject::machines);
    const auto& machines = all.machines;
    if (c.json)
      print(indented(to_json(machines)));
    else if (machines.empty())
      remark("No agent ever connected; `deploy key new MACHINE --role agent` says how to add one.");
    else
      print_rows(c.page(wide_), machines);
    if (!c.json)
      remark_troubles(all, c.zone);
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::machine_row>& machines) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : machines)
      rows.push_back(row(each, messages::system_utc_now()));
    print(table_text({{.heading = "MACHINE", .shortens = 3, .least = 12},
                      {.heading = "STATE"},
                      {.heading = "GROUPS", .drops = 3, .shortens = 2, .least = 8},
                      {.heading = "INSTANCES", .drops = 4},
                      {.heading = "MEMORY", .drops = 2},
                      {.heading = "AGENT", .drops = 1},
                      {.heading = "LAST SEEN", .drops = 5},
                      {.heading = "TROUBLE", .shortens = 1, .least = 16, .loses = text_end::end}},
                     rows, c));
  }

  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> machines() {
  return std::make_unique<machines_verb>();
}

} // namespace deployminator::cli::verbs
