#pragma once

#include "agent/linux/watch_loop.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace deployminator::agent {

/// Removes directories that may be large, on a thread of its own: each is renamed at once, and what
/// a killed agent had renamed is told by its name.
class discarded_trees {
public:
  using on_gone = std::function<void(messages::result<void>)>;

  /// `below`: where they lie until they are gone, on the file system of all that is discarded.
  explicit discarded_trees(std::string below);

  /// Whether an entry of `below` is to go.
  static bool is_one(std::string_view name);

  /// Nothing is at the path from now on. What cannot be renamed stays.
  void discard(const std::string& path);

  /// The same; `done` is called on another thread when all is gone, or at once where it cannot be
  /// renamed. What is not there is gone.
  void discard(const std::string& path, on_gone done);

  /// Removes what an earlier agent was removing.
  void clean_up();

private:
  std::string next_name();

  std::string below_;
  /// Of the next one; begins where no earlier agent's ended.
  std::int64_t next_;
  watch_loop janitor_;
};

} // namespace deployminator::agent
