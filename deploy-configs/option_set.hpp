#pragma once

#include "deploy-configs/mistake.hpp"
#include "deploy-configs/settings.hpp"
#include "deploy-configs/yaml_document.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace deployminator::configs {

/// What a setting holds; a list is separated by commas, in the file it may be a YAML list. A pair
/// is two arguments of a flag, each of its own.
enum class setting_kind { text, list, number, flag, pair };

/// One setting of a program, declared once: flag, environment variable and key of the config file
/// follow from it.
struct setting {
  /// The flag without its dashes, and the key in the file.
  std::string name;
  setting_kind kind = setting_kind::text;
  /// The flag's value in the help text.
  std::string value_name;
  std::string help;
  /// Used where nothing is given; as it would stand in the environment.
  std::string default_value;
  /// What the default is where it is no text, such as "the host's name".
  std::string default_help;
  /// What was expected, if the text (an element of a list) is no such value.
  std::optional<std::string> (*expected_instead)(const std::string& text) = nullptr;
  /// It says what to do this once, so neither the environment nor the file can give it.
  bool only_flag = false;
};

/// A key of the config file that is no setting of the command line.
struct config_section {
  std::string name;
  /// Reads its value, which is never `null`, and adds what is wrong with it to the mistakes.
  std::function<void(const yaml_node& value, std::vector<mistake>& mistakes)> read;
};

/// A program's settings in one table.
struct program_settings {
  std::string program;
  std::string summary;
  /// Of the environment variables: `DEPLOYMINATOR`.
  std::string prefix;
  std::string default_file;
  /// A line of the config file.
  std::string example;
  std::vector<setting> settings;
  std::vector<config_section> sections;
};

/// The values that count, by the setting's name, each the right kind of text.
struct resolved_settings {
  std::map<std::string, std::string> values;
  /// The config file, there or not.
  std::string file;

  const std::string& text(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;
  std::uint64_t number(const std::string& name) const;
  bool flag(const std::string& name) const;
  /// Empty where it is not given, else two.
  std::vector<std::string> pair(const std::string& name) const;
};

/// The settings of one program on a command line, and their way to the values that count.
class option_set {
public:
  explicit option_set(program_settings table);

  /// Declares the options and `--config FILE`; this must outlive the app's parsing.
  void add_to(CLI::App& app);

  /// After parsing: what counts, or every mistake, one a line.
  messages::result<resolved_settings> resolve(const surroundings& from) const;

  /// What is wrong with the text of a config file, in the order of its lines; its sections are
  /// read.
  std::vector<mistake> mistakes_in(const std::string& text) const;

  /// The paragraph of the help text about where settings come from.
  std::string sources_help() const;

private:
  struct given {
    CLI::Option* option = nullptr;
    std::string value;
    bool flag = false;
    std::vector<std::string> pair;

    [[nodiscard]] std::string text(setting_kind kind) const;
  };
  struct collected;

  std::string variable_of(const std::string& name) const;
  void read_flags(collected& into) const;
  void read_environment(const surroundings& from, collected& into) const;
  void read_file(const surroundings& from, collected& into) const;
  std::vector<mistake> read_content(const std::string& text,
                                    std::map<std::string, std::string>& values) const;
  static void take(const setting& which, const std::string& source, const std::string& value,
                   collected& into);

  program_settings table_;
  std::map<std::string, given> given_;
};

/// Parses the command line of a program without verbs and resolves its settings.
std::variant<resolved_settings, exit_now> read_settings(const program_settings& table, int argc,
                                                        const char* const* argv,
                                                        const surroundings& from);

} // namespace deployminator::configs
