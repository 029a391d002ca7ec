#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

std::vector<span> row(const messages::history_row& h, time_zone zone) {
  auto number = [](std::uint64_t n) { return n == 0 ? std::string{} : std::to_string(n); };
  auto outcome = h.outcome ? span{std::string{messages::to_text(*h.outcome)}, tone_of(*h.outcome)}
                           : span{"under way", tone::busy};
  return {{clock_text(h.time, zone)},
          {printable(h.who), tone::strong},
          {printable(h.order)},
          {number(h.version)},
          {number(h.build)},
          outcome,
          {h.seconds ? seconds_text(*h.seconds) : std::string{}},
          {h.outcome == messages::rollout_outcome::succeeded ? "" : printable(h.reason)}};
}

class history_verb : public command {
public:
  std::string name() const override {
    return "history";
  }
  std::string summary() const override {
    return "Orders to a group: who gave them, when, and how they ended; the newest first";
  }
  std::string details() const override {
    return "Example: deploy history shop/web\n\n"
           "Exit codes: 0 shown, 1 no such group, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    add_group_argument(verb, of_)->required();
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto history = ask_table(server, messages::query_subject::history, of_).history;
    if (c.json) {
      print(indented(to_json(history)));
      return exit_code::done;
    }
    print_rows(c.page(wide_), history);
    return exit_code::done;
  }

private:
  static void print_rows(const canvas& c, const std::vector<messages::history_row>& history) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : history)
      rows.push_back(row(each, c.zone));
    print(table_text({{.heading = "TIME", .drops = 4},
                      {.heading = "WHO", .shortens = 2, .least = 8},
                      {.heading = "ORDER"},
                      {.heading = "VERSION", .drops = 3},
                      {.heading = "BUILD", .drops = 1},
                      {.heading = "OUTCOME"},
                      {.heading = "TOOK", .drops = 2},
                      {.heading = "REASON", .shortens = 1, .least = 16, .loses = text_end::end}},
                     rows, c));
  }

  group_name of_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> history() {
  return std::make_unique<history_verb>();
}

} // namespace deployminator::cli::verbs
