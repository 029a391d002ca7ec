#pragma once

#include "agent/outside.hpp"

#include <optional>
#include <string>

namespace deployminator::agent {

/// The public ports in the agent's config file, which is looked at again with every call. A change
/// counts when the file is the same in two calls: an editor may write it in several steps. Whatever
/// is wrong with the file, not only with its public ports, is told, for it may be a slip that hides
/// them.
class port_settings_file : public port_settings {
public:
  /// The file may be missing; once it was there that is a mistake.
  explicit port_settings_file(std::string path);

  std::optional<messages::result<entries>> news() override;

private:
  messages::result<std::string> content();

  std::string path_;
  bool was_there_ = false;
  /// The content that was told of, or in its place why there was none.
  std::optional<std::string> told_;
  /// The same of the last call, where it was another.
  std::optional<std::string> new_;
};

} // namespace deployminator::agent
