#include "cli/program.hpp"

#include "cli/context.hpp"
#include "cli/interruption.hpp"
#include "cli/usage.hpp"
#include "cli/verbs/verbs.hpp"
#include "deploy-configs/settings.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::cli {

namespace {

void declare_verbs(CLI::App& app, const std::vector<std::unique_ptr<command>>& verbs) {
  for (const auto& each : verbs) {
    auto* verb = app.add_subcommand(each->name(), each->summary());
    verb->footer("\n" + each->details());
    each->declare(*verb);
  }
}

bool wants_json(const configs::client_options& before_verb, int argc, const char* const* argv) {
  auto settings = before_verb.resolve();
  return std::any_of(argv, argv + argc, [](std::string_view each) { return each == "--json"; })
         || (settings && settings->json);
}

/// Prints the help or version that was asked for, or tells what is wrong.
exit_code explain(const CLI::App& app, const CLI::ParseError& e, bool json) {
  if (e.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) {
    report(json, wrong_usage(app, e));
    return exit_code::usage;
  }
  std::ostringstream text;
  app.exit(e, text, text);
  print(text.str());
  return exit_code::done;
}

exit_code run_verb(command& verb, context& c) {
  try {
    return verb.run(c);
  } catch (const setback& e) {
    report(c.json, e.why);
    return e.exit;
  }
}

exit_code run(int argc, const char* const* argv) {
  CLI::App app{"Deploys builds to a farm of machines, and shows what runs there", "deploy"};
  configs::client_options before_verb{app};
  app.set_version_flag("--version", "deploy " DEPLOYMINATOR_VERSION);
  app.require_subcommand(1, 1);
  app.fallthrough();
  auto verbs = verbs::all();
  declare_verbs(app, verbs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return explain(app, e, wants_json(before_verb, argc, argv));
  }
  auto settings = before_verb.resolve();
  if (!settings) {
    report(wants_json(before_verb, argc, argv), settings.error());
    return exit_code::usage;
  }
  interruption stop;
  context c{*settings, settings->json, !settings->no_color,
            settings->utc ? time_zone::utc : time_zone::local, stop};
  for (const auto& each : verbs)
    if (app.got_subcommand(each->name()))
      return run_verb(*each, c);
  return exit_code::usage;
}

} // namespace

int run_program(int argc, const char* const* argv) {
  try {
    return static_cast<int>(run(argc, argv));
  } catch (const output_lost& e) {
    if (e.is_unwanted())
      return static_cast<int>(exit_code::done);
    remark(std::string{"deploy: "} + e.what());
    remark("  look whether the disk is full, or stdout closed");
    return static_cast<int>(exit_code::failed);
  }
}

} // namespace deployminator::cli
