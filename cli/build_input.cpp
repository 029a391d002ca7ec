#include "cli/build_input.hpp"

#include "cli/arguments.hpp"
#include "cli/local_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <variant>

namespace deployminator::cli {

namespace {

/// What CLI11 says of a value that is no SHA-256 in hex; empty where it is one.
std::string complaint_about_digest(const std::string& text) {
  bool fits = text.size() == 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
                return std::isxdigit(c) != 0;
              });
  return fits ? "" : "\"" + printable(text) + "\" is no SHA-256; expected 64 hexadecimal digits";
}

void tell(const context& c, const std::string& file,
          const std::vector<configs::mistake>& mistakes) {
  if (!c.json)
    return remark_mistakes(file, mistakes);
  auto document = error_json({messages::failure_code::invalid,
                              fmt::format("{} has {}", file, counted(mistakes.size(), "mistake")),
                              "correct the file; `deploy validate` checks it without a server"});
  document["error"]["mistakes"] = mistakes_json(file, mistakes);
  go_on_without_output();
  print(indented(document));
}

} // namespace

void build_input::declare(CLI::App& verb) {
  verb.add_option("FILE", file_, "The deploy.yaml")->required()->type_name("PATH");
  add_number(verb, "--build", order.build, "The build's number, for ${BUILDID}", 1)
    ->required()
    ->type_name("N");
  verb.add_option("--repository", order.repository, "Where the build comes from")
    ->type_name("NAME");
  verb.add_option("--artifact-id", order.artifact_id, "The artifact's id there")->type_name("ID");
  verb.add_option("--branch", order.branch, "The branch it was built from")->type_name("NAME");
  verb.add_option("--commit", order.commit, "The commit it was built from")->type_name("ID");
  verb
    .add_option("--sha256", order.sha256, "The artifact's SHA-256, for applications that give none")
    ->type_name("HEX")
    ->check(complaint_about_digest);
  verb.add_flag("--force", order.force,
                "Also where this build was deployed with another artifact before");
}

bool build_input::read(const context& c) {
  order.file_name = file_;
  order.file = read_text(file_);
  auto mistakes = mistakes_of(order);
  if (!mistakes.empty()) {
    tell(c, file_, mistakes);
    return false;
  }
  auto read = configs::read_deploy_file(order.file);
  remark_mistakes(file_, std::get<configs::deploy_file>(read).remarks);
  return true;
}

std::vector<configs::mistake> mistakes_of(const messages::submit_build& order) {
  auto read = configs::read_deploy_file(order.file);
  if (auto* bad = std::get_if<std::vector<configs::mistake>>(&read))
    return std::move(*bad);
  auto complete
    = configs::for_build(std::get<configs::deploy_file>(read),
                         {order.build, order.repository, order.artifact_id, order.sha256});
  auto* lacking = std::get_if<std::vector<configs::mistake>>(&complete);
  return lacking != nullptr ? std::move(*lacking) : std::vector<configs::mistake>{};
}

} // namespace deployminator::cli
