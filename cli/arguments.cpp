#include "cli/arguments.hpp"

#include "cli/text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace deployminator::cli {

namespace {

template <class T>
CLI::Option* add(CLI::App& verb, T& to, std::optional<T> (*read)(std::string_view),
                 const std::string& form, const std::string& help) {
  return verb
    .add_option_function<std::string>(
      "GROUP", [&to, read](const std::string& text) { to = *read(text); }, help)
    ->type_name(form)
    ->check([read, form](const std::string& text) {
      return read(text)
               ? std::string{}
               : "\"" + printable(text) + "\" is no group; expected " + form + ", such as shop/web";
    });
}

} // namespace

CLI::Option* add_group_argument(CLI::App& verb, group_name& to) {
  return add(verb, to, group_from_text, "NAMESPACE/GROUP", "The group");
}

CLI::Option* add_group_part_argument(CLI::App& verb, group_part& to) {
  return add(verb, to, group_part_from_text, "NAMESPACE/GROUP[/APPLICATION]",
             "The group, or one application of it")
    ->required();
}

CLI::Option* add_namespace_or_group_argument(CLI::App& verb, group_name& to) {
  return add(verb, to, namespace_or_group_from_text, "NAMESPACE[/GROUP]",
             "Only this group, or the groups of this namespace");
}

CLI::Option* add_wide_option(CLI::App& verb, bool& wide) {
  return verb
    .add_option_function<std::string>(
      "-o", [&wide](const std::string&) { wide = true; },
      "`wide`: all columns in full, also where the terminal is narrower")
    ->type_name("wide")
    ->check([](const std::string& text) {
      return text == "wide" ? std::string{}
                            : "\"" + printable(text) + "\" is no form of output; expected wide";
    });
}

std::optional<std::uint64_t> number_from_text(const std::string& text) {
  std::uint64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

CLI::Option* add_number(CLI::App& verb, const std::string& name, std::uint64_t& to,
                        const std::string& help, std::uint64_t lowest) {
  return verb
    .add_option_function<std::string>(
      name, [&to](const std::string& text) { to = *number_from_text(text); }, help)
    ->check([lowest](const std::string& text) {
      auto number = number_from_text(text);
      return number && *number >= lowest
               ? std::string{}
               : fmt::format("\"{}\" is no such number; expected a whole number from {} upwards",
                             printable(text), lowest);
    });
}

} // namespace deployminator::cli
