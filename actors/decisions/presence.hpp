#pragma once

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace deployminator::actors {

/// Which machines are within reach. After the server's start the known ones are awaited: they count
/// as within reach until they are given up.
class presence {
public:
  presence() = default;
  explicit presence(std::set<std::string> awaited);

  /// Its agent is connected.
  void arrive(const std::string& machine);
  /// It counts as within reach for a while, connected or not.
  void expect(const std::string& machine);
  /// Its agent is gone, or was awaited in vain.
  void leave(const std::string& machine);

  [[nodiscard]] bool is_connected(const std::string& machine) const {
    return connected_.contains(machine);
  }
  [[nodiscard]] bool is_reachable(const std::string& machine) const {
    return is_connected(machine) || awaited_.contains(machine);
  }

  /// Those that have not come yet.
  [[nodiscard]] const std::set<std::string>& awaited() const {
    return awaited_;
  }

  /// Nobody is awaited: it is known who is there.
  [[nodiscard]] bool is_complete() const {
    return awaited_.empty();
  }

private:
  std::unordered_set<std::string> connected_;
  std::set<std::string> awaited_;
};

} // namespace deployminator::actors
