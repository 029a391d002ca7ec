#include "cli/arguments.hpp"
#include "cli/local_file.hpp"
#include "cli/order.hpp"
#include "cli/verbs/verbs.hpp"
#include "messages/random_id.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <variant>

namespace deployminator::cli::verbs {

namespace {

/// What CLI11 says of a value that is no SHA-256 in hex; empty where it is one.
std::string complaint_about_digest(const std::string& text) {
  bool fits = text.size() == 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
                return std::isxdigit(c) != 0;
              });
  return fits ? "" : "\"" + printable(text) + "\" is no SHA-256; expected 64 hexadecimal digits";
}

class new_build_verb : public command {
public:
  std::string name() const override {
    return "new-build";
  }
  std::string summary() const override {
    return "Deploy a build: the one call of a build repository";
  }
  std::string details() const override {
    return "Checks the file, sends it to the server, and follows the rollout live until the old\n"
           "instances are gone. What runs now stays untouched until the new one is ready.\n\n"
           "Example: deploy new-build deploy.yaml --build 57 --branch main --commit 1a2b3c\n\n"
           + order_exit_codes;
  }
  void declare(CLI::App& verb) override {
    verb.add_option("FILE", file_, "The deploy.yaml")->required()->type_name("PATH");
    add_number(verb, "--build", order_.build, "The build's number, for ${BUILDID}", 1)
      ->required()
      ->type_name("N");
    verb.add_option("--repository", order_.repository, "Where the build comes from")
      ->type_name("NAME");
    verb.add_option("--artifact-id", order_.artifact_id, "The artifact's id there")
      ->type_name("ID");
    verb.add_option("--branch", order_.branch, "The branch it was built from")->type_name("NAME");
    verb.add_option("--commit", order_.commit, "The commit it was built from")->type_name("ID");
    verb
      .add_option("--sha256", order_.sha256,
                  "The artifact's SHA-256, for applications that give none")
      ->type_name("HEX")
      ->check(complaint_about_digest);
    verb.add_flag("--force", order_.force,
                  "Also where this build was deployed with another artifact before");
    options_.declare(verb);
  }

  exit_code run(context& c) override {
    order_.file_name = file_;
    order_.file = read_text(file_);
    auto read = configs::read_deploy_file(order_.file);
    auto mistakes = mistakes_of(read);
    if (!mistakes.empty()) {
      tell(c, mistakes);
      return exit_code::usage;
    }
    remark_mistakes(file_, std::get<configs::deploy_file>(read).remarks);
    order_.order_id = messages::new_random_id();
    return carry_out(c, order_, options_);
  }

private:
  std::vector<configs::mistake>
  mistakes_of(const std::variant<configs::deploy_file, std::vector<configs::mistake>>& read) const {
    if (const auto* bad = std::get_if<std::vector<configs::mistake>>(&read))
      return *bad;
    auto complete
      = configs::for_build(std::get<configs::deploy_file>(read),
                           {order_.build, order_.repository, order_.artifact_id, order_.sha256});
    auto* lacking = std::get_if<std::vector<configs::mistake>>(&complete);
    return lacking != nullptr ? *lacking : std::vector<configs::mistake>{};
  }

  void tell(const context& c, const std::vector<configs::mistake>& mistakes) const {
    if (!c.json)
      return remark_mistakes(file_, mistakes);
    auto document
      = error_json({messages::failure_code::invalid,
                    fmt::format("{} has {}", file_, counted(mistakes.size(), "mistake")),
                    "correct the file; `deploy validate` checks it without a server"});
    document["error"]["mistakes"] = mistakes_json(file_, mistakes);
    go_on_without_output();
    print(indented(document));
  }

  std::string file_;
  messages::submit_build order_;
  order_options options_;
};

} // namespace

std::unique_ptr<command> new_build() {
  return std::make_unique<new_build_verb>();
}

} // namespace deployminator::cli::verbs
