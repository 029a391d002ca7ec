#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/usages.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

std::string joined_ports(const messages::instance_row& i) {
  auto text = ports_text(i.ports);
  return text.empty() ? text : text.substr(1);
}

std::vector<span> row(const messages::instance_row& i, messages::timestamp now) {
  return {{printable(i.id)},
          {to_text(group_name{i.namespace_, i.group})},
          {printable(i.application)},
          {std::to_string(i.version)},
          {std::to_string(i.build)},
          {printable(i.machine)},
          {std::string{messages::to_text(i.state)}, tone_of(i.state)},
          {joined_ports(i)},
          {i.pid == 0 ? "-" : std::to_string(i.pid)},
          {std::to_string(i.restarts)},
          {age_text(i.started_at.value_or(messages::timestamp{}), now)},
          {printable(i.reason)}};
}

class instances_verb : public command {
public:
  std::string name() const override {
    return "instances";
  }
  std::string summary() const override {
    return "Instances: where each copy of an application is, and how it does";
  }
  std::string details() const override {
    return "Shows those that exist or should; one that was stopped or replaced is gone.\n\n"
           "Example: deploy instances shop/web\n\n"
           "Exit codes: 0 shown, 1 no such group, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_namespace_or_group_argument(verb, of_);
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto instances = ask_table(server, messages::query_subject::instances, of_).instances;
    if (c.json)
      print(indented(with_usages(server, instances, of_)));
    else if (instances.empty())
      remark("No instances.");
    else
      print_rows(c.page(wide_), instances);
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::instance_row>& instances) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : instances)
      rows.push_back(row(each, messages::system_utc_now()));
    print(table_text({{.heading = "ID", .shortens = 5, .least = 12},
                      {.heading = "GROUP", .drops = 8, .shortens = 3, .least = 12},
                      {.heading = "APPLICATION", .drops = 4, .shortens = 2, .least = 8},
                      {.heading = "VERSION", .drops = 7},
                      {.heading = "BUILD", .drops = 2},
                      {.heading = "MACHINE", .drops = 9, .shortens = 4, .least = 8},
                      {.heading = "STATE"},
                      {.heading = "PORTS", .drops = 6},
                      {.heading = "PID", .drops = 1},
                      {.heading = "RESTARTS", .drops = 3},
                      {.heading = "UP", .drops = 5},
                      {.heading = "REASON", .shortens = 1, .least = 20, .loses = text_end::end}},
                     rows, c));
  }

  group_name of_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> instances() {
  return std::make_unique<instances_verb>();
}

} // namespace deployminator::cli::verbs
