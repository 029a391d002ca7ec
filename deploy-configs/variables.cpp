#include "deploy-configs/variables.hpp"

#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace deployminator::configs {

namespace {

/// Beside `PORTn`.
const std::vector<std::string>& known_variables() {
  static const std::vector<std::string> all{"BUILDID", "DATA", "GROUP", "HOSTNAME", "MACHINE"};
  return all;
}

bool is_known(std::string_view name) {
  const auto& all = known_variables();
  return std::find(all.begin(), all.end(), name) != all.end()
         || parse_port_variable(fmt::format("${{{}}}", name));
}

/// The letters that a variable's name may have, from the text's beginning.
std::string_view name_at(std::string_view text) {
  constexpr std::string_view letters
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return text.substr(0, std::min(text.find_first_not_of(letters), text.size()));
}

std::string upper(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return out;
}

/// Calls `use` with what follows each `$`, until it yields something.
template <class Use>
std::optional<std::string> first_after_dollar(std::string_view text, Use use) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1))
    if (auto found = use(text.substr(at + 1)))
      return found;
  return std::nullopt;
}

} // namespace

std::optional<std::string> wrong_variable(std::string_view text) {
  if (auto wrong = wrong_port_variable(text))
    return fmt::format("{}; expected `${{PORTn}}` with n from 1 to 100", in_ticks(*wrong));
  return first_after_dollar(text, [](std::string_view rest) -> std::optional<std::string> {
    auto name = rest.starts_with('{') ? name_at(rest.substr(1)) : std::string_view{};
    bool is_number = !name.empty() && name[0] >= '0' && name[0] <= '9';
    if (name.empty() || is_number || !rest.substr(1 + name.size()).starts_with('}')
        || is_known(name))
      return std::nullopt;
    auto candidates = known_variables();
    auto meant = probably_meant(upper(name), candidates);
    std::string expected;
    for (const auto& each : candidates)
      expected += fmt::format("`${{{}}}`, ", each);
    return fmt::format(
      "`${{{0}}}`, which is no variable; expected {1}`${{PORTn}}`, or `${0}` where "
      "the program itself replaces it{2}",
      shown(name), expected, meant ? fmt::format(", did you mean `${{{}}}`?", *meant) : "");
  });
}

std::optional<std::string> bare_variable(std::string_view text, bool only_build) {
  return first_after_dollar(text, [=](std::string_view rest) -> std::optional<std::string> {
    auto name = name_at(rest);
    bool counts = only_build ? name == "BUILDID" : is_known(name);
    return counts ? std::optional{std::string{name}} : std::nullopt;
  });
}

} // namespace deployminator::configs
