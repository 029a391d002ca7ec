#include "cli/usage.hpp"

#include "cli/text.hpp"
#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace deployminator::cli {

namespace {

/// The verb that was given, `key new` for one of a verb's own; `app` itself without one.
const CLI::App& innermost(const CLI::App& app) {
  const auto* out = &app;
  for (auto chosen = out->get_subcommands(); !chosen.empty(); chosen = out->get_subcommands())
    out = chosen.front();
  return *out;
}

void append_flags(std::vector<std::string>& to, const CLI::App& of) {
  for (const auto* each : of.get_options())
    for (const auto& name : each->get_lnames())
      to.push_back("--" + name);
}

std::vector<std::string> flags_of(const CLI::App& verb, const CLI::App& app) {
  std::vector<std::string> out;
  append_flags(out, verb);
  if (&verb != &app)
    append_flags(out, app);
  return out;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* each : app.get_subcommands({}))
    out.push_back(each->get_name());
  return out;
}

std::string question(const std::optional<std::string>& meant) {
  return meant ? "; did you mean " + *meant + "?" : "";
}

std::string unexpected(const CLI::App& app, const CLI::App& verb, const std::string& word) {
  auto shown = printable(word);
  if (word.starts_with("-")) {
    auto name = word.substr(0, word.find('='));
    return fmt::format("unknown flag \"{}\"{}", shown,
                       question(configs::probably_meant(name, flags_of(verb, app))));
  }
  auto verbs = verbs_of(verb);
  if (verbs.empty())
    return fmt::format("unexpected argument \"{}\"", shown);
  return fmt::format("unknown verb \"{}\"{}", shown,
                     question(configs::probably_meant(word, verbs)));
}

/// The option that CLI11's text begins with.
std::string option_in(const std::string& text) {
  return text.substr(0, text.find(':'));
}

std::string sentence(const CLI::App& app, const CLI::App& verb, const CLI::ParseError& e) {
  auto unknown = app.remaining(true);
  bool lacks_verb = !verbs_of(verb).empty();
  // Where a flag is misspelt, CLI11 may first miss the one that was meant.
  if (!unknown.empty())
    return unexpected(app, verb, unknown.front());
  if (lacks_verb && e.get_name() == "RequiredError")
    return &verb == &app ? "a verb is missing, such as in deploy status"
                         : fmt::format("what to do is missing: {} takes {}", verb.get_name(),
                                       configs::enumerated(verbs_of(verb)));
  if (e.get_name() == "ArgumentMismatch")
    return printable(option_in(e.what())) + " needs a value";
  return printable(e.what());
}

} // namespace

messages::failure wrong_usage(const CLI::App& app, const CLI::ParseError& e) {
  const auto& verb = innermost(app);
  std::string path;
  for (const auto* each = &verb; each != &app; each = each->get_parent())
    path.insert(0, each->get_name() + " ");
  return {messages::failure_code::invalid, sentence(app, verb, e), "see deploy " + path + "--help"};
}

} // namespace deployminator::cli
