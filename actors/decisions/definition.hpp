#pragma once

#include "messages/application.hpp"

#include <optional>
#include <string>
#include <vector>

namespace deployminator::actors {

/// A field that two definitions of an application have differently, as people may see it.
struct field_difference {
  /// As in deploy.yaml, where that has one key for it.
  std::string field;
  /// Without what may be secret; unset where there is no such field.
  std::optional<std::string> before;
  std::optional<std::string> after;

  bool operator==(const field_difference&) const = default;
};

/// What a definition changes, by field. Null: there is no such application; then what the other one
/// says beside the defaults. A hash that is not known yet is no difference.
std::vector<field_difference> differences(const messages::application* before,
                                          const messages::application* after);

/// `text` as people may see it: an argument, or the value of the variable `name`. What is called a
/// password, token or the like is masked, and a URL shows no user, password or query.
std::string masked(const std::string& name, const std::string& text);

} // namespace deployminator::actors
