#include "cli/arguments.hpp"
#include "cli/complaint.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/troubles.hpp"
#include "cli/verbs/verbs.hpp"
#include "cli/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace deployminator::cli::verbs {

namespace {

/// Groups whose instances are asked for.
constexpr std::size_t most_told = 10;

std::string number_or_dash(std::uint64_t n) {
  return n == 0 ? "-" : std::to_string(n);
}

std::vector<span> row(const messages::group_row& g, messages::timestamp now) {
  std::string rollout;
  if (g.stopped.contains("*"))
    rollout = "stopped on purpose";
  else if (!g.stopped.empty())
    rollout = fmt::format("stopped on purpose: {}",
                          printable(fmt::format("{}", fmt::join(g.stopped, ", "))));
  if (g.rollout) {
    rollout = fmt::format("{} for {}", phase_text(std::string{messages::to_text(g.rollout->phase)}),
                          age_text(g.rollout->started_at, now));
    if (g.rollout->waits_for)
      rollout += fmt::format(", waits for `deploy {}`", printable(*g.rollout->waits_for));
    if (!g.rollout->reason.empty())
      rollout += ": " + printable(g.rollout->reason);
  }
  auto what = tone::busy;
  if (g.failure && rollout.empty()) {
    what = tone::bad;
    rollout = fmt::format("rollout of version {} {}, {} ago", g.failure->version,
                          printable(end_text(g.failure->outcome, g.failure->reason)),
                          age_text(g.failure->time, now));
  }
  // Where nothing is wanted, nothing is well either.
  auto how_well = g.wanted == 0 ? tone::dim : g.ready >= g.wanted ? tone::good : tone::bad;
  return {{to_text(group_name{g.namespace_, g.group}), tone::strong},
          {number_or_dash(g.deployed_version)},
          {number_or_dash(g.pending_version)},
          {fmt::format("{}/{}", g.ready, g.wanted), how_well},
          {std::to_string(g.running)},
          {rollout, what}};
}

class status_verb : public command {
public:
  std::string name() const override {
    return "status";
  }
  std::string summary() const override {
    return "Groups: what is deployed, how much of it runs and is ready";
  }
  std::string details() const override {
    return "Example: deploy status shop\n\n"
           "Exit codes: 0 shown, 1 no such group, or with --check, for monitoring, something is "
           "not\n"
           "well, 2 wrong usage, 3 the server cannot be reached.\n\n"
           "Not well, a line on stderr for each reason, and in `problems` of --json: an instance "
           "that\n"
           "is wanted is not ready; one was restarted 3 times or more within 10 minutes, even if "
           "it\n"
           "is ready just now; the server cannot store anything.";
  }
  void declare(CLI::App& verb) override {
    add_namespace_or_group_argument(verb, of_);
    add_wide_option(verb, wide_);
    verb.add_flag("--check", check_, "End with 1 where something is not well, and say why");
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    auto all = ask_table(server, messages::query_subject::status, of_);
    const auto& groups = all.groups;
    auto problems = problems_of(all, c.json ? time_zone::utc : c.zone);
    if (c.json) {
      json document{{"groups", to_json(groups)}};
      if (check_)
        document["problems"] = problems;
      print(indented(document));
    } else {
      show(server, all, problems, c);
    }
    if (!check_)
      return exit_code::done;
    if (c.json)
      remark_all(problems);
    return problems.empty() ? exit_code::done : exit_code::failed;
  }

private:
  /// Why `--check` ends with 1.
  static std::vector<std::string> problems_of(const messages::table& all, time_zone zone) {
    std::vector<std::string> out;
    for (const auto& each : all.troubles)
      out.push_back(trouble_text("the server", each, zone));
    for (const auto& each : all.groups)
      std::ranges::move(shortcomings_of(each), std::back_inserter(out));
    return out;
  }

  static void remark_all(const std::vector<std::string>& sentences) {
    for (const auto& each : sentences)
      remark(each);
  }

  void show(client& server, const messages::table& all, const std::vector<std::string>& problems,
            const context& c) const {
    const auto& groups = all.groups;
    if (groups.empty() && !of_.namespace_.empty())
      remark("Nothing is deployed in " + to_text(of_) + ".");
    else if (groups.empty())
      remark("Nothing is deployed; `deploy new-build` begins.");
    else
      print_rows(c.page(wide_), groups);
    if (check_)
      remark_all(problems);
    else
      remark_troubles("the server", all.troubles, c.zone);
    complain(server, groups, c.page(wide_));
  }

  /// Says what is wrong with the groups that are not well, with the first of them in detail.
  static void complain(client& server, const std::vector<messages::group_row>& groups,
                       const canvas& c) {
    std::size_t left = most_told;
    for (const auto& each : groups) {
      if (!is_ailing(each) || left == 0)
        continue;
      --left;
      auto rows
        = ask_table(server, messages::query_subject::instances, {each.namespace_, each.group})
            .instances;
      for (const auto& sentence : complaints_of(each, rows))
        remark(broken_to_fit(sentence, c));
    }
  }

  static void print_rows(const canvas& c, const std::vector<messages::group_row>& groups) {
    std::vector<std::vector<span>> rows;
    for (const auto& each : groups)
      rows.push_back(row(each, messages::system_utc_now()));
    print(table_text({{.heading = "GROUP", .shortens = 2, .least = 16},
                      {.heading = "DEPLOYED", .drops = 3},
                      {.heading = "PENDING", .drops = 2},
                      {.heading = "READY"},
                      {.heading = "RUNNING", .drops = 1},
                      {.heading = "ROLLOUT", .shortens = 1, .least = 20, .loses = text_end::end}},
                     rows, c));
  }

  group_name of_;
  bool wide_ = false;
  bool check_ = false;
};

} // namespace

std::unique_ptr<command> status() {
  return std::make_unique<status_verb>();
}

} // namespace deployminator::cli::verbs
