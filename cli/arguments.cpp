#include "cli/arguments.hpp"

#include "cli/text.hpp"

#include <optional>
#include <string>

namespace deployminator::cli {

namespace {

using reader = std::optional<group_name> (*)(std::string_view);

CLI::Option* add(CLI::App& verb, group_name& to, reader read, const std::string& form,
                 const std::string& help) {
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

CLI::Option* add_namespace_or_group_argument(CLI::App& verb, group_name& to) {
  return add(verb, to, namespace_or_group_from_text, "NAMESPACE[/GROUP]",
             "Only this group, or the groups of this namespace");
}

} // namespace deployminator::cli
