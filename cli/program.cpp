#include "cli/program.hpp"

#include "cli/context.hpp"
#include "cli/interruption.hpp"
#include "cli/verbs/verbs.hpp"
#include "deploy-configs/settings.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
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

int explain(const CLI::App& app, const CLI::ParseError& e) {
  if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
    return app.exit(e);
  auto chosen = app.get_subcommands();
  auto unknown = app.remaining();
  if (!chosen.empty())
    remark("deploy: " + printable(e.what()));
  else if (unknown.empty())
    remark("deploy: a verb is missing, such as in deploy status");
  else
    remark("deploy: unknown verb or flag \"" + printable(unknown.front()) + "\"");
  remark("  see deploy " + (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help");
  return static_cast<int>(exit_code::usage);
}

exit_code run_verb(command& verb, context& c) {
  try {
    return verb.run(c);
  } catch (const setback& e) {
    report(c, e.why);
    return e.exit;
  }
}

} // namespace

int run_program(int argc, const char* const* argv) {
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
    return explain(app, e);
  }
  auto settings = before_verb.resolve();
  if (!settings) {
    remark("deploy: " + printable(settings.error().message, true));
    if (!settings.error().hint.empty())
      remark("  " + printable(settings.error().hint, true));
    return static_cast<int>(exit_code::usage);
  }
  interruption stop;
  context c{*settings, settings->json, !settings->no_color, stop};
  for (const auto& each : verbs)
    if (app.got_subcommand(each->name()))
      return static_cast<int>(run_verb(*each, c));
  return static_cast<int>(exit_code::usage);
}

} // namespace deployminator::cli
