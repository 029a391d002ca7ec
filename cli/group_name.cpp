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

std::optional<group_name> namespace_or_group_from_text(std::string_view text) {
  if (!text.empty() && text.find('/') == std::string_view::npos)
    return group_name{std::string{text}, {}};
  return group_from_text(text);
}

} // namespace deployminator::cli
