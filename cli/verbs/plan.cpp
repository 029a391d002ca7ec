#include "cli/arguments.hpp"
#include "cli/build_input.hpp"
#include "cli/client.hpp"
#include "cli/group_name.hpp"
#include "cli/table.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace deployminator::cli::verbs {

namespace {

using namespace messages;
using namespace std::chrono_literals;

/// As long as an order may take: what is planned is read and placed as one.
constexpr auto plan_timeout = 60s;

/// How often a plan is asked for from its beginning, where the farm changes between two pages.
constexpr int most_attempts = 10;

/// Asks page by page; nothing where the plan has become another one between two pages.
std::optional<build_plan> ask_once(client& server, const submit_build& order) {
  plan_build question{order, 0};
  auto out = server.ask<build_plan>(question, plan_timeout);
  bool more = out.more;
  while (more) {
    question.offset = out.changes.size();
    auto page = server.ask<build_plan>(question, plan_timeout);
    if (page.digest != out.digest)
      return std::nullopt;
    more = page.more && !page.changes.empty();
    std::move(page.changes.begin(), page.changes.end(), std::back_inserter(out.changes));
  }
  return out;
}

build_plan ask_plan(client& server, const submit_build& order) {
  for (int i = 0; i < most_attempts; ++i)
    if (auto out = ask_once(server, order))
      return std::move(*out);
  throw setback{exit_code::failed,
                {failure_code::timeout, "the farm changes faster than it can be planned",
                 "try again in a while"}};
}

bool does_nothing(const build_plan& p) {
  return std::all_of(p.groups.begin(), p.groups.end(),
                     [](const auto& each) { return each.unchanged; })
         && std::all_of(p.changes.begin(), p.changes.end(),
                        [](const auto& each) { return each.action == plan_action::keep; });
}

tone tone_of_action(plan_action a) {
  switch (a) {
    case plan_action::start:
      return tone::good;
    case plan_action::stop:
      return tone::bad;
    case plan_action::keep:
      return tone::dim;
    default:
      return tone::busy;
  }
}

std::vector<span> row(const planned_change& each, bool with_group) {
  auto group = to_text(group_name{each.namespace_, each.group});
  return {{with_group ? printable(group) : std::string{}},
          {std::string{to_text(each.action)}, tone_of_action(each.action)},
          {printable(each.application), tone::strong},
          {std::to_string(each.version)},
          {printable(each.from.value_or(""))},
          {printable(each.to.value_or(""))},
          {printable(each.instance)},
          {printable(each.reason)}};
}

std::string changes_text(const build_plan& p, const canvas& c) {
  std::vector<std::vector<span>> rows;
  for (const auto& each : p.changes)
    rows.push_back(row(each, p.groups.size() > 1));
  return table_text({{.heading = "GROUP", .drops = 4},
                     {.heading = "ACTION"},
                     {.heading = "APPLICATION", .shortens = 2, .least = 8},
                     {.heading = "VERSION", .drops = 2},
                     {.heading = "FROM", .shortens = 3, .least = 6},
                     {.heading = "TO", .shortens = 4, .least = 6},
                     {.heading = "INSTANCE", .drops = 1},
                     {.heading = "REASON", .shortens = 1, .least = 16, .loses = text_end::end}},
                    rows, c);
}

std::string differences_text(const build_plan& p, const canvas& c) {
  std::vector<std::vector<span>> rows;
  auto value = [](const std::optional<std::string>& text) {
    return text ? printable(text->empty() ? "\"\"" : *text) : std::string{"–"};
  };
  for (const auto& each : p.differences) {
    auto name = to_text(group_name{each.namespace_, each.group}) + "/" + each.application;
    rows.push_back({{printable(name), tone::strong},
                    {printable(each.field)},
                    {value(each.before)},
                    {value(each.after)}});
  }
  return table_text({{.heading = "DEFINITION", .drops = 1},
                     {.heading = "FIELD"},
                     {.heading = "BEFORE", .shortens = 1, .least = 12, .loses = text_end::end},
                     {.heading = "AFTER", .shortens = 2, .least = 12, .loses = text_end::end}},
                    rows, c);
}

class plan_verb : public command {
public:
  std::string name() const override {
    return "plan";
  }
  std::string summary() const override {
    return "What `new-build` would do, each change with its reason; changes nothing";
  }
  std::string details() const override {
    return "Tells which instance starts, stops, is replaced, moves or stays, on which machine and\n"
           "why, and what the new version defines in another way. Secrets are masked.\n"
           "The digest at the end names the plan: `deploy new-build --plan-digest` does just "
           "this,\n"
           "or is refused where the farm has moved on.\n\n"
           "Example: deploy plan deploy.yaml --build 57\n\n"
           "Exit codes: 0 nothing to do, 1 the build would be refused, 2 something to do, or "
           "wrong\n"
           "usage or an invalid file, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    build_.declare(verb);
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    if (!build_.read(c))
      return exit_code::usage;
    client server{c.access(), c.stop};
    server.connect();
    auto p = ask_plan(server, build_.order);
    if (c.json)
      print(indented({{"changes", to_json(p.changes)},
                      {"groups", to_json(p.groups)},
                      {"differences", to_json(p.differences)},
                      {"digest", p.digest}}));
    else
      show(p, c.page(wide_));
    return does_nothing(p) ? exit_code::done : exit_code::usage;
  }

private:
  static void show(const build_plan& p, const canvas& c) {
    for (const auto& each : p.groups)
      print(printable(
              fmt::format("{}: {}", to_text(group_name{each.namespace_, each.group}), each.reason))
            + "\n");
    if (!p.changes.empty())
      print("\n" + changes_text(p, c));
    if (!p.differences.empty())
      print("\n" + differences_text(p, c));
    print(fmt::format("\n{}, digest {}\n",
                      does_nothing(p) ? "nothing to do" : "nothing is done yet", p.digest));
  }

  build_input build_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> plan() {
  return std::make_unique<plan_verb>();
}

} // namespace deployminator::cli::verbs
