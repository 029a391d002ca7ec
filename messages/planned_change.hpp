#pragma once

#include "messages/enum_text.hpp"
#include "messages/packing.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What would happen, told before it does.
namespace deployminator::messages {

/// What becomes of an instance, or of its place.
enum class plan_action {
  /// A new one comes, in nobody's place.
  start,
  /// One goes, and none comes in its place.
  stop,
  /// A new one comes in the place of an old one, on the same machine.
  replace,
  /// The same, on another machine.
  move,
  /// It stays as it is.
  keep,
};

template <>
struct enum_text<plan_action> {
  static constexpr std::array<std::string_view, 5> names{"start", "stop", "replace", "move",
                                                         "keep"};
};

/// One change, as `deploy plan` shows it.
struct planned_change {
  plan_action action = plan_action::keep;
  std::string namespace_;
  std::string group;
  std::string application;
  /// Of the instance that comes or stays; with `stop` of the one that goes.
  std::uint64_t version = 0;
  /// The machine where one goes, and where one comes; with `keep` both are where it is.
  std::optional<std::string> from;
  std::optional<std::string> to;
  /// The id of the instance that goes or stays; empty: there is none yet.
  std::string instance;
  std::string reason;

  bool operator==(const planned_change&) const = default;
  MSGPACK_DEFINE_MAP(action, MSGPACK_NVP("namespace", namespace_), group, application, version,
                     from, to, instance, reason)
};

/// What a group would go through.
struct planned_group {
  std::string namespace_;
  std::string group;
  /// The version that is deployed now; 0: none.
  std::uint64_t deployed_version = 0;
  /// The one that would come; where nothing changes the deployed one.
  std::uint64_t version = 0;
  std::uint64_t build = 0;
  /// The build is deployed with this very definition, and nothing is to do.
  bool unchanged = false;
  std::string reason;

  bool operator==(const planned_group&) const = default;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, deployed_version, version, build,
                     unchanged, reason)
};

/// A field of an application that the new version defines in another way than the deployed one.
/// Secrets are masked.
struct planned_difference {
  std::string namespace_;
  std::string group;
  std::string application;
  /// As in deploy.yaml, such as `limits.maxmemory`.
  std::string field;
  /// Unset: it has none, or there is no such application.
  std::optional<std::string> before;
  std::optional<std::string> after;

  bool operator==(const planned_difference&) const = default;
  MSGPACK_DEFINE_MAP(MSGPACK_NVP("namespace", namespace_), group, application, field, before, after)
};

} // namespace deployminator::messages
