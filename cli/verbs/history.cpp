#include "cli/arguments.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

namespace deployminator::cli::verbs {

namespace {

std::vector<span> row(const messages::history_row& h) {
  auto number = [](std::uint64_t n) { return n == 0 ? std::string{} : std::to_string(n); };
  auto outcome = h.outcome ? span{std::string{messages::to_text(*h.outcome)}, tone_of(*h.outcome)}
                           : span{"under way", tone::busy};
  return {{clock_text(h.time)},
          {printable(h.who), tone::strong},
          {printable(h.order)},
          {number(h.version)},
          {number(h.build)},
          outcome,
          {h.seconds ? seconds_text(*h.seconds) : std::string{}}};
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
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto history = ask_table(server, messages::query_subject::history, of_).history;
    if (c.json) {
      print(indented(to_json(history)));
      return exit_code::done;
    }
    std::vector<std::vector<span>> rows;
    for (const auto& each : history)
      rows.push_back(row(each));
    print(table_text({"TIME", "WHO", "ORDER", "VERSION", "BUILD", "OUTCOME", "TOOK"}, rows,
                     c.rich_tables()));
    return exit_code::done;
  }

private:
  group_name of_;
};

} // namespace

std::unique_ptr<command> history() {
  return std::make_unique<history_verb>();
}

} // namespace deployminator::cli::verbs
