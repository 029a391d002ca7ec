#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

std::vector<span> row(const messages::version_row& v, time_zone zone) {
  return {{std::to_string(v.version)},
          {std::to_string(v.build)},
          {std::string{messages::to_text(v.state)}, tone_of(v.state)},
          {clock_text(v.created_at, zone)},
          {printable(v.branch)},
          {printable(v.commit)},
          {printable(v.repository)},
          {printable(v.created_by)}};
}

class versions_verb : public command {
public:
  std::string name() const override {
    return "versions";
  }
  std::string summary() const override {
    return "Versions of a group that are kept, the newest first";
  }
  std::string details() const override {
    return "Each can be rolled out again with `deploy version`.\n\n"
           "Example: deploy versions shop/web\n\n"
           "Exit codes: 0 shown, 1 no such group, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto versions = ask_table(server, messages::query_subject::versions, of_).versions;
    if (c.json)
      print(indented(to_json(versions)));
    else if (versions.empty())
      remark(to_text(of_) + " has no versions.");
    else
      print_rows(c.page(wide_), versions);
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::version_row>& versions) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : versions)
      rows.push_back(row(each, c.zone));
    print(table_text(
      {{.heading = "VERSION"},
       {.heading = "BUILD"},
       {.heading = "STATE"},
       {.heading = "CREATED", .drops = 4},
       {.heading = "BRANCH", .drops = 3, .shortens = 3, .least = 8},
       {.heading = "COMMIT", .drops = 5, .shortens = 1, .least = 8, .loses = text_end::end},
       {.heading = "REPOSITORY", .drops = 1, .shortens = 2, .least = 8},
       {.heading = "BY", .drops = 2, .shortens = 4, .least = 8}},
      rows, c));
  }

  group_name of_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> versions() {
  return std::make_unique<versions_verb>();
}

} // namespace deployminator::cli::verbs
