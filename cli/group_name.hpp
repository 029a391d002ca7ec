#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deployminator::cli {

/// A group as people write it: `NAMESPACE/GROUP`.
struct group_name {
  std::string namespace_;
  /// Empty: every group of the namespace.
  std::string group;

  auto operator<=>(const group_name&) const = default;
};

/// A group or one application of it: `NAMESPACE/GROUP[/APPLICATION]`.
struct group_part {
  group_name of;
  /// Empty: all.
  std::string application;
};

/// `NAMESPACE/GROUP`, safe to print.
std::string to_text(const group_name& name);

/// Reads `NAMESPACE/GROUP`; both parts must be there and hold no further slash.
std::optional<group_name> group_from_text(std::string_view text);

/// Reads `NAMESPACE/GROUP` or `NAMESPACE/GROUP/APPLICATION`.
std::optional<group_part> group_part_from_text(std::string_view text);

/// Reads `NAMESPACE` or `NAMESPACE/GROUP`.
std::optional<group_name> namespace_or_group_from_text(std::string_view text);

} // namespace deployminator::cli
