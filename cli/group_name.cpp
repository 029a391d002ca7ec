#include "cli/group_name.hpp"

#include "cli/text.hpp"

namespace deployminator::cli {

std::string to_text(const group_name& name) {
  return printable(name.group.empty() ? name.namespace_ : name.namespace_ + "/" + name.group);
}

std::optional<group_name> group_from_text(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()
      || text.find('/', slash + 1) != std::string_view::npos)
    return std::nullopt;
  return group_name{std::string{text.substr(0, slash)}, std::string{text.substr(slash + 1)}};
}

std::optional<group_part> group_part_from_text(std::string_view text) {
  auto first = text.find('/');
  auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
  auto of = group_from_text(text.substr(0, second));
  if (!of || second == std::string_view::npos)
    return of ? std::optional{group_part{*of, {}}} : std::nullopt;
  auto application = text.substr(second + 1);
  if (application.empty() || application.find('/') != std::string_view::npos)
    return std::nullopt;
  return group_part{*of, std::string{application}};
}

std::optional<group_name> namespace_or_group_from_text(std::string_view text) {
  if (!text.empty() && text.find('/') == std::string_view::npos)
    return group_name{std::string{text}, {}};
  return group_from_text(text);
}

} // namespace deployminator::cli
