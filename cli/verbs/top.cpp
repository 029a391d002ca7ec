#include "cli/arguments.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/terminal.hpp"
#include "cli/usages.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <unistd.h>

namespace deployminator::cli::verbs {

namespace {

using namespace std::chrono_literals;

/// What is measured at once says what was used since somebody asked last; so it is asked twice.
constexpr auto first_gap = 500ms;
constexpr auto refresh_gap = 2s;

/// What was measured, beside what it is of.
struct load {
  messages::measured found;
  std::map<std::string, messages::instance_row> rows;
};

load look(client& server, const group_name& of) {
  load out;
  for (auto& each : ask_table(server, messages::query_subject::instances, of).instances)
    out.rows.emplace(each.id, std::move(each));
  out.found = ask_usages(server, of);
  // It is gone since.
  std::erase_if(out.found.usages, [&](const auto& each) { return !out.rows.contains(each.id); });
  return out;
}

json document_of(const load& all) {
  auto list = json::array();
  for (const auto& each : all.found.usages) {
    const auto& row = all.rows.at(each.id);
    json entry{{"id", row.id},           {"namespace", row.namespace_},
               {"group", row.group},     {"application", row.application},
               {"version", row.version}, {"machine", row.machine}};
    put_usage(entry, &each);
    list.push_back(std::move(entry));
  }
  return {{"instances", list}, {"more", all.found.more}, {"silent", all.found.silent}};
}

std::string usage_table(const load& all, const canvas& c) {
  std::vector<std::vector<span>> rows;
  for (const auto& each : all.found.usages) {
    const auto& row = all.rows.at(each.id);
    rows.push_back({{printable(row.id)},
                    {to_text(group_name{row.namespace_, row.group})},
                    {printable(row.application)},
                    {printable(row.machine)},
                    {fmt::format("{:.1f}%", each.cpu_percent)},
                    {bytes_text(each.memory_bytes)},
                    {std::to_string(each.threads)},
                    {each.open_files ? std::to_string(*each.open_files) : "-"}});
  }
  return table_text({{.heading = "ID", .shortens = 4, .least = 12},
                     {.heading = "GROUP", .drops = 3, .shortens = 2, .least = 12},
                     {.heading = "APPLICATION", .drops = 1, .shortens = 1, .least = 8},
                     {.heading = "MACHINE", .drops = 4, .shortens = 3, .least = 8},
                     {.heading = "CPU"},
                     {.heading = "MEMORY"},
                     {.heading = "THREADS", .drops = 2},
                     {.heading = "FILES", .drops = 2}},
                    rows, c);
}

/// What the table does not show.
std::vector<std::string> gaps(const load& all) {
  std::vector<std::string> out;
  if (!all.found.silent.empty())
    out.push_back(
      printable(fmt::format("not measured: {} (out of reach, or its agent is older than this)",
                            fmt::join(all.found.silent, ", "))));
  if (all.found.more)
    out.emplace_back("There are more, which use less: ask for one group.");
  return out;
}

std::vector<line> lines_of(const load& all, canvas c) {
  // Colours are the terminal's to add.
  c.rich = false;
  std::vector<line> out;
  auto text = all.found.usages.empty() ? "Nothing runs.\n" : usage_table(all, c);
  for (std::size_t at = 0; at < text.size() && out.size() + 2 < c.height;) {
    auto end = text.find('\n', at);
    out.push_back({{text.substr(at, end - at), out.empty() ? tone::strong : tone::plain}});
    at = end + 1;
  }
  for (auto& each : gaps(all))
    out.push_back({{std::move(each), tone::warning}});
  return out;
}

class top_verb : public command {
public:
  std::string name() const override {
    return "top";
  }
  std::string summary() const override {
    return "What each instance uses: processor, memory, threads, open files";
  }
  std::string details() const override {
    return "CPU is of one processor. On a terminal the table is renewed every 2 s until Ctrl-C;\n"
           "elsewhere it is printed once. MEMORY is what the kernel counts for the instance, "
           "without\n"
           "files that it can drop; where it counts none, the sum of what its processes have\n"
           "resident. With --json {instances: [{id, namespace, group, application, version, "
           "machine,\n"
           "cpu_percent, memory_bytes, threads, open_files}], more, silent}.\n\n"
           "Example: deploy top shop/web\n\n"
           "Exit codes: 0 shown, or ended by Ctrl-C, 2 wrong usage, 3 the server cannot be "
           "reached.";
  }
  void declare(CLI::App& verb) override {
    add_namespace_or_group_argument(verb, of_);
    add_wide_option(verb, wide_);
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    ask_usages(server, of_);
    server.rest(client::clock::now() + first_gap);
    terminal screen{STDOUT_FILENO, c.rich && !c.json && !wide_, c.zone};
    if (screen.is_live())
      return renew(c, server, screen);
    auto all = look(server, of_);
    if (c.json) {
      print(indented(document_of(all)));
      return exit_code::done;
    }
    if (all.found.usages.empty())
      remark("Nothing runs.");
    else
      print(usage_table(all, c.page(wide_)));
    for (const auto& each : gaps(all))
      remark(each);
    return exit_code::done;
  }

private:
  exit_code renew(context& c, client& server, terminal& screen) const {
    while (!c.stop.requested()) {
      try {
        screen.show(lines_of(look(server, of_), screen.shape()));
      } catch (const setback&) {
        if (!c.stop.requested())
          throw;
      }
      server.rest(client::clock::now() + refresh_gap);
    }
    screen.settle();
    return exit_code::done;
  }

  group_name of_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> top() {
  return std::make_unique<top_verb>();
}

} // namespace deployminator::cli::verbs
