#include "deploy-configs/option_set.hpp"

#include "deploy-configs/fields.hpp"
#include "deploy-configs/meant_value.hpp"
#include "deploy-configs/values.hpp"
#include "deploy-configs/yaml_document.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

namespace deployminator::configs {

namespace {

/// No argument has a zero in it.
constexpr char between_pair = '\0';

/// What was expected, if the text is no value of the setting.
std::optional<std::string> wrong_value(const setting& which, const std::string& text) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  if (which.kind == setting_kind::flag)
    return parse_bool(text) || text == "1" || text == "0" ? std::nullopt
                                                          : std::optional{"true or false"};
  if (which.kind == setting_kind::number && !parse_integer(text, 1, most))
    return "a whole number from 1"
           + (which.value_name == "MB" ? size_hint(text).value_or("") : std::string{});
  if (which.kind == setting_kind::pair)
    return text.find(between_pair) == std::string::npos ? std::optional{which.value_name}
                                                        : std::nullopt;
  if (which.kind != setting_kind::list)
    return which.expected_instead != nullptr ? which.expected_instead(text) : std::nullopt;
  auto parts = split_list(text);
  if (parts.empty())
    return "at least one, several separated by commas";
  for (const auto& each : parts)
    if (auto expected
        = which.expected_instead != nullptr ? which.expected_instead(each) : std::nullopt)
      return parts.size() == 1 ? *expected : fmt::format("for each of them {}", *expected);
  return std::nullopt;
}

std::string default_text(const setting& which) {
  if (which.kind == setting_kind::flag)
    return "off";
  return which.default_help.empty() ? which.default_value : which.default_help;
}

/// What a file gives for a setting, a list as text with commas; nothing where its shape is wrong.
std::optional<std::string> single_text(const yaml_node& node, setting_kind kind) {
  if (node.kind == yaml_node::shape::text)
    return node.text;
  if (node.kind != yaml_node::shape::list || kind != setting_kind::list)
    return std::nullopt;
  std::string joined;
  for (const auto& item : node.items) {
    if (item->kind != yaml_node::shape::text)
      return std::nullopt;
    joined += (joined.empty() ? "" : ",") + item->text;
  }
  return joined;
}

/// A file's text, or why it cannot be read; nothing where a missing file may be missing.
messages::result<std::optional<std::string>> read_text(const std::string& path, bool may_miss) {
  std::ifstream in{path, std::ios::binary};
  auto error = errno;
  std::ostringstream out;
  // Opening a directory succeeds; reading it is what fails.
  if (in.is_open() && in.peek() != std::ifstream::traits_type::eof())
    out << in.rdbuf();
  if (in.is_open() && !in.bad())
    return std::optional{out.str()};
  if (in.is_open())
    error = EISDIR;
  if (error == ENOENT && may_miss)
    return std::optional<std::string>{};
  return messages::failure{
    messages::failure_code::invalid,
    fmt::format("{}: the config file cannot be read: {}", path, std::strerror(error)),
    {}};
}

} // namespace

const std::string& resolved_settings::text(const std::string& name) const {
  return values.at(name);
}

std::vector<std::string> resolved_settings::list(const std::string& name) const {
  return split_list(values.at(name));
}

std::uint64_t resolved_settings::number(const std::string& name) const {
  auto value = parse_integer(values.at(name), 0, std::numeric_limits<std::int64_t>::max());
  return static_cast<std::uint64_t>(value.value_or(0));
}

bool resolved_settings::flag(const std::string& name) const {
  const auto& value = values.at(name);
  return value == "1" || parse_bool(value) == true;
}

std::vector<std::string> resolved_settings::pair(const std::string& name) const {
  const auto& both = values.at(name);
  auto end = both.find(between_pair);
  if (end == std::string::npos)
    return {};
  return {both.substr(0, end), both.substr(end + 1)};
}

std::string option_set::given::text(setting_kind kind) const {
  if (kind == setting_kind::pair)
    return fmt::format("{}", fmt::join(pair, std::string_view{&between_pair, 1}));
  if (kind == setting_kind::flag)
    return flag ? "true" : "false";
  return value;
}

/// Values as they come in, from the source that wins to the one that loses.
struct option_set::collected {
  resolved_settings settings;
  std::vector<std::string> mistakes;
};

option_set::option_set(program_settings table) : table_(std::move(table)) {}

std::string option_set::variable_of(const std::string& name) const {
  auto out = fmt::format("{}_{}", table_.prefix, name);
  for (char& c : out)
    c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

void option_set::add_to(CLI::App& app) {
  auto& config = given_["config"];
  config.option = app.add_option("--config", config.value,
                                 fmt::format("Read this config file instead\nDefault: {}\n"
                                             "Environment: {}",
                                             table_.default_file, variable_of("config")));
  config.option->type_name("FILE");
  for (const auto& each : table_.settings) {
    auto& here = given_[each.name];
    auto help = each.only_flag ? each.help
                               : fmt::format("{}\nDefault: {}\nEnvironment: {}", each.help,
                                             default_text(each), variable_of(each.name));
    auto flag = "--" + each.name;
    if (each.kind == setting_kind::flag)
      here.option = app.add_flag(flag, here.flag, help);
    else if (each.kind == setting_kind::pair)
      here.option = app.add_option(flag, here.pair, help)->expected(2);
    else
      here.option = app.add_option(flag, here.value, help);
    if (each.kind != setting_kind::flag)
      here.option->type_name(each.value_name);
  }
}

std::string option_set::sources_help() const {
  return fmt::format("A flag wins over the environment, that over the config file, that over the "
                     "default.\nThe config file is YAML; its keys are the flags without `--`, such "
                     "as `{}`.\nFiles read: {} (may be missing), or the one given with "
                     "--config.",
                     table_.example, table_.default_file);
}

messages::result<resolved_settings> option_set::resolve(const surroundings& from) const {
  collected all;
  read_flags(all);
  read_environment(from, all);
  read_file(from, all);
  for (const auto& each : table_.settings)
    all.settings.values.try_emplace(each.name, each.default_value);
  if (!all.mistakes.empty())
    return messages::failure{
      messages::failure_code::invalid, fmt::format("{}", fmt::join(all.mistakes, "\n")), {}};
  return std::move(all.settings);
}

/// Notes a value, and as a mistake if it is none of this setting; the first source wins.
void option_set::take(const setting& which, const std::string& source, const std::string& value,
                      collected& into) {
  if (auto expected = wrong_value(which, value))
    into.mistakes.push_back(
      fmt::format("{} is {}; expected {}", source, in_ticks(value), *expected));
  into.settings.values.try_emplace(which.name, value);
}

void option_set::read_flags(collected& into) const {
  for (const auto& each : table_.settings) {
    const auto& here = given_.at(each.name);
    if (here.option->count() > 0)
      take(each, "--" + each.name, here.text(each.kind), into);
  }
}

void option_set::read_environment(const surroundings& from, collected& into) const {
  for (const auto& each : table_.settings) {
    auto name = variable_of(each.name);
    auto value = each.only_flag ? std::nullopt : from.variable(name);
    if (value && !value->empty())
      take(each, name, *value, into);
  }
}

void option_set::read_file(const surroundings& from, collected& into) const {
  const auto& flag = given_.at("config");
  auto path = from.root + table_.default_file;
  auto by_variable = from.variable(variable_of("config")).value_or("");
  bool named = flag.option->count() > 0 || !by_variable.empty();
  if (named)
    path = flag.option->count() > 0 ? flag.value : by_variable;
  into.settings.file = path;
  auto text = read_text(path, !named);
  if (!text) {
    into.mistakes.push_back(text.error().message);
    return;
  }
  if (!*text)
    return;
  for (const auto& each : read_content(**text, into.settings.values))
    into.mistakes.push_back(to_text(path, each));
}

std::vector<mistake> option_set::mistakes_in(const std::string& text) const {
  std::map<std::string, std::string> values;
  return read_content(text, values);
}

/// Adds the values that have none yet.
std::vector<mistake> option_set::read_content(const std::string& text,
                                              std::map<std::string, std::string>& values) const {
  auto document = read_yaml(text);
  if (auto* wrong = std::get_if<mistake>(&document))
    return {*wrong};
  std::vector<mistake> mistakes;
  fields in{*std::get<yaml_node::pointer>(document), "the config file", mistakes};
  if (!mistakes.empty())
    return mistakes;
  for (const auto& each : table_.settings) {
    const auto* node = each.only_flag ? nullptr : in.find(each.name);
    if (node == nullptr)
      continue;
    auto value = single_text(*node, each.kind);
    auto expected = wrong_value(each, value.value_or(""));
    if (!value)
      in.fail(*node, fmt::format("`{}` is {}; expected {}", each.name, shape_of(*node),
                                 expected.value_or("a single value")));
    else if (expected)
      in.fail(*node,
              fmt::format("`{}` is {}; expected {}", each.name, in_ticks(*value), *expected));
    else
      values.try_emplace(each.name, *value);
  }
  for (const auto& each : table_.sections)
    if (const auto* node = in.find(each.name))
      each.read(*node, mistakes);
  in.finish();
  sort_by_position(mistakes);
  return mistakes;
}

std::variant<resolved_settings, exit_now> read_settings(const program_settings& table, int argc,
                                                        const char* const* argv,
                                                        const surroundings& from) {
  CLI::App app{table.summary, table.program};
  option_set options{table};
  options.add_to(app);
  app.set_version_flag("--version", fmt::format("{} {}", table.program, DEPLOYMINATOR_VERSION));
  app.footer(options.sources_help());
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    std::ostringstream out;
    app.exit(done, out, out);
    return exit_now{0, out.str(), true};
  } catch (const CLI::ParseError& wrong) {
    return exit_now{
      2, fmt::format("{0}: {1}\n{0}: {0} --help lists the options\n", table.program, wrong.what()),
      false};
  }
  auto settings = options.resolve(from);
  if (settings)
    return std::move(*settings);
  std::string text;
  std::istringstream lines{settings.error().message};
  for (std::string line; std::getline(lines, line);)
    text += fmt::format("{}: {}\n", table.program, line);
  return exit_now{2, text, false};
}

} // namespace deployminator::configs
