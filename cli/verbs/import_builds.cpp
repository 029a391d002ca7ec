#include "cli/build_tree.hpp"
#include "cli/order.hpp"
#include "cli/table.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

namespace deployminator::cli::verbs {

namespace {

class import_builds_verb : public command {
public:
  std::string name() const override {
    return "import-builds";
  }
  std::string summary() const override {
    return "Deploy the newest build of each artifact in a build repository's tree";
  }
  std::string details() const override {
    return "Reads DIR/artefacts/NAME/BRANCH/BUILD/deployment/deploy.yaml, and the repository's id\n"
           "from DIR/metadata/NAME/BRANCH/BUILD/build.yaml. Of each NAME the build of the highest\n"
           "number that has a deploy.yaml is deployed as `new-build` would, one after the other. "
           "One\n"
           "that fails or is refused is told and holds up no other; what is deployed already "
           "stays\n"
           "as it is.\n\n"
           "Example: deploy import-builds /srv/build-repository --dry-run\n\n"
           + order_exit_codes + "\n\nThe worst of all builds counts.";
  }
  void declare(CLI::App& verb) override {
    verb.add_option("DIR", directory_, "The build repository's directory")
      ->required()
      ->type_name("PATH");
    verb.add_flag("--dry-run", dry_run_,
                  "Say which builds these are and whether their files are "
                  "good, and order nothing");
    options_.declare(verb);
  }

  exit_code run(context& c) override {
    auto builds = newest_builds(directory_);
    return dry_run_ ? show(c, builds) : deploy_all(c, builds);
  }

private:
  static std::string name_of(const stored_build& each) {
    return fmt::format("{} build {} of {}", each.artifact, each.build, each.branch);
  }

  static void tell(const context& c, const stored_build& build, const messages::failure& why) {
    if (!c.json)
      return report(false, why);
    print(one_line({{"type", "build.refused"},
                    {"time", messages::to_text(messages::system_utc_now())},
                    {"artifact", build.artifact},
                    {"branch", build.branch},
                    {"build", build.build},
                    {"error", to_json(why)}}));
  }

  static exit_code show(const context& c, const std::vector<stored_build>& builds) {
    auto worst = exit_code::done;
    auto document = json::array();
    std::vector<std::vector<span>> rows;
    for (const auto& each : builds) {
      std::string repository;
      std::string problem;
      try {
        repository = order_for(each).repository;
      } catch (const setback& e) {
        problem = e.why.message;
        worst = worse_of(worst, e.exit);
      }
      document.push_back({{"artifact", each.artifact},
                          {"branch", each.branch},
                          {"build", each.build},
                          {"repository", repository},
                          {"file", each.deploy_file},
                          {"problem", problem}});
      rows.push_back({{printable(each.artifact), tone::strong},
                      {printable(each.branch)},
                      {std::to_string(each.build)},
                      {printable(repository)},
                      {printable(each.deploy_file)},
                      {printable(problem), tone::bad}});
    }
    if (c.json)
      print(indented({{"builds", document}}));
    else
      print(table_text({{.heading = "ARTIFACT"},
                        {.heading = "BRANCH"},
                        {.heading = "BUILD"},
                        {.heading = "REPOSITORY"},
                        {.heading = "FILE"},
                        {.heading = "PROBLEM"}},
                       rows, c.page(true)));
    return worst;
  }

  exit_code deploy_all(context& c, const std::vector<stored_build>& builds) {
    auto worst = exit_code::done;
    for (const auto& each : builds) {
      if (c.stop.requested())
        return worse_of(worst, exit_code::gave_up);
      remark(printable("deploy: " + name_of(each)));
      try {
        auto order = order_for(each);
        order.order_id = messages::new_random_id();
        worst = worse_of(worst, carry_out(c, order, options_));
      } catch (const setback& e) {
        tell(c, each, e.why);
        worst = worse_of(worst, e.exit);
        // Nor can the others be ordered.
        if (e.exit == exit_code::unreachable)
          return worst;
      }
    }
    if (builds.empty())
      remark(printable("deploy: " + directory_ + " has no build with a deploy.yaml"));
    return worst;
  }

  std::string directory_;
  bool dry_run_ = false;
  order_options options_;
};

} // namespace

std::unique_ptr<command> import_builds() {
  return std::make_unique<import_builds_verb>();
}

} // namespace deployminator::cli::verbs
