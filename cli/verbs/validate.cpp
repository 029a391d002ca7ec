#include "cli/local_file.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>

namespace deployminator::cli::verbs {

namespace {

class validate_verb : public command {
public:
  std::string name() const override {
    return "validate";
  }
  std::string summary() const override {
    return "Check a deploy.yaml without a server";
  }
  std::string details() const override {
    return "Tells every mistake with its file:line:column and what was expected.\n\n"
           "Example: deploy validate deploy.yaml\n\n"
           "Exit codes: 0 no mistakes (remarks are none), 2 mistakes or wrong usage.";
  }
  void declare(CLI::App& verb) override {
    verb.add_option("FILE", file_, "The deploy.yaml")->required()->type_name("PATH");
  }

  exit_code run(context& c) override {
    auto read = configs::read_deploy_file(read_text(file_));
    auto* good = std::get_if<configs::deploy_file>(&read);
    auto remarks = good != nullptr ? remarks_of(*good) : std::vector<configs::mistake>{};
    auto mistakes = good != nullptr ? std::vector<configs::mistake>{}
                                    : std::get<std::vector<configs::mistake>>(read);
    if (good == nullptr)
      go_on_without_output();
    if (c.json) {
      print(indented({{"valid", good != nullptr},
                      {"mistakes", mistakes_json(file_, mistakes)},
                      {"remarks", mistakes_json(file_, remarks)}}));
    } else {
      remark_mistakes(file_, mistakes);
      remark_mistakes(file_, remarks);
      if (good != nullptr)
        print_contents(*good);
    }
    return good != nullptr ? exit_code::done : exit_code::usage;
  }

private:
  static std::vector<configs::mistake> remarks_of(const configs::deploy_file& file) {
    auto all = file.remarks;
    all.insert(all.end(), file.undeployable.begin(), file.undeployable.end());
    configs::sort_by_position(all);
    return all;
  }

  void print_contents(const configs::deploy_file& file) const {
    std::size_t applications = 0;
    for (const auto& each : file.groups)
      applications += each.applications.size();
    print(fmt::format("{}: ok, {} in {}\n", printable(file_), counted(applications, "application"),
                      counted(file.groups.size(), "group")));
  }

  std::string file_;
};

} // namespace

std::unique_ptr<command> validate() {
  return std::make_unique<validate_verb>();
}

} // namespace deployminator::cli::verbs
