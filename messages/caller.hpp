#pragma once

#include <string>

namespace deployminator::messages {

/// Who a message comes from, as the connection proves it and never as the message claims.
struct caller {
  /// Empty: nobody in particular, on a server that asks for no keys.
  std::string name;

  bool operator==(const caller&) const = default;
};

} // namespace deployminator::messages
