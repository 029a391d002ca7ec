#include "cli/arguments.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

namespace deployminator::cli::verbs {

namespace {

std::vector<span> row(const messages::port_row& p) {
  bool leads = p.instance.has_value();
  return {{printable(p.machine), tone::strong},
          {std::to_string(p.public_port)},
          {printable(p.label)},
          {leads ? printable(*p.instance) : "none", leads ? tone::good : tone::warning},
          {p.port ? std::to_string(*p.port) : "-"},
          {leads ? to_text(group_name{p.namespace_, p.group}) : "-"},
          {leads ? printable(p.application) : "-"},
          {leads ? std::to_string(p.version) : "-"},
          {printable(p.reason)}};
}

class ports_verb : public command {
public:
  std::string name() const override {
    return "ports";
  }
  std::string summary() const override {
    return "Ports: which instance the static public ports of each machine lead to";
  }
  std::string details() const override {
    return "The ports are configured on each machine, under `applications` in its agent's "
           "config.yaml.\n\n"
           "Example: deploy ports\n\n"
           "Exit codes: 0 shown, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto all = ask_table(server, messages::query_subject::ports);
    if (c.json) {
      print(indented({{"ports", to_json(all.ports)}, {"problems", to_json(all.problems)}}));
      return exit_code::done;
    }
    if (all.ports.empty())
      remark("No machine has public ports; see `applications` in an agent's config.yaml.");
    else
      print_rows(c.page(wide_), all.ports);
    for (const auto& each : all.problems)
      remark(printable(each.machine) + ": " + printable(each.reason, true));
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::port_row>& ports) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : ports)
      rows.push_back(row(each));
    print(table_text({{.heading = "MACHINE", .shortens = 5, .least = 8},
                      {.heading = "PORT"},
                      {.heading = "LABEL", .drops = 4, .shortens = 4, .least = 8},
                      {.heading = "INSTANCE", .shortens = 6, .least = 12},
                      {.heading = "ITS PORT", .drops = 2},
                      {.heading = "GROUP", .drops = 5, .shortens = 3, .least = 12},
                      {.heading = "APPLICATION", .drops = 1, .shortens = 2, .least = 8},
                      {.heading = "VERSION", .drops = 3},
                      {.heading = "REASON", .shortens = 1, .least = 20, .loses = text_end::end}},
                     rows, c));
  }

  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> ports() {
  return std::make_unique<ports_verb>();
}

} // namespace deployminator::cli::verbs
