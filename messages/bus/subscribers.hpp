#pragma once

#include <functional>
#include <string>
#include <vector>

namespace deployminator::bus {

/// Ends a connection by its descriptor, which is libzmq's; -1: does nothing.
void hang_up(int descriptor);

/// The connections that subscribed to a publisher, which says nothing of them later: kept so that
/// they can be ended.
class subscribers {
public:
  /// The holder of the key has subscribed over this connection. False: over too many already.
  bool add(std::string key, int descriptor);

  void cut_off_unless(const std::function<bool(const std::string& key)>& is_allowed);

private:
  struct connection {
    std::string key;
    int descriptor;
    /// The other end's address: tells whether the descriptor is another connection's by now.
    std::string other_end;
  };

  std::vector<connection> all_;
};

} // namespace deployminator::bus
