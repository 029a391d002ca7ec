#include "cli/order.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

namespace deployminator::cli::verbs {

namespace {

using namespace messages;

/// Prints what would move, and why.
exit_code show_moves(context& c) {
  client server{c.access(), c.stop};
  server.connect();
  auto moves = ask_table(server, query_subject::moves).moves;
  if (c.json) {
    print(indented({{"changes", to_json(moves)}}));
    return exit_code::done;
  }
  for (const auto& each : moves)
    print(fmt::format("{}/{}: {} moves from {} to {}: {}\n", printable(each.namespace_),
                      printable(each.group), printable(each.application), printable(each.from),
                      printable(each.to), printable(each.reason)));
  if (moves.empty())
    remark("Nothing would move: the farm is even.");
  return exit_code::done;
}

class redistribute_verb : public command {
public:
  std::string name() const override {
    return "redistribute";
  }
  std::string summary() const override {
    return "Even the farm out: instances move to where fewer are, new first";
  }
  std::string details() const override {
    return "Moves as few as it takes, each group `rollout.parallel` at a time: the new ones "
           "start,\n"
           "and when all of a group are ready the old ones stop. Ten groups at most move at once, "
           "the\nothers wait for their turn. Nothing moves in a group that has a rollout under "
           "way, and\nnothing to a machine without the memory, where the server counts that. "
           "`deploy pause` and\n`deploy abort` hold a group and give it up.\n\n"
           "Example: deploy redistribute --dry-run\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    verb.add_flag("--dry-run", dry_run_, "Show what would move and why, and change nothing");
    options_.declare(verb);
  }
  exit_code run(context& c) override {
    if (dry_run_)
      return show_moves(c);
    return carry_out(c, redistribute_farm{new_random_id()}, options_);
  }

private:
  bool dry_run_ = false;
  order_options options_;
};

} // namespace

std::unique_ptr<command> redistribute() {
  return std::make_unique<redistribute_verb>();
}

} // namespace deployminator::cli::verbs
