#pragma once

#include "messages/access_key.hpp"

#include <string>
#include <vector>

namespace deployminator::messages {

/// Who a message comes from, by the key that the connection proves and never as the message claims.
struct caller {
  /// The key's; empty: nobody in particular, on a server that asks for no keys.
  std::string name;
  key_role role = key_role::operator_;
  /// What a builder or viewer is limited to; empty: nothing.
  std::vector<std::string> namespaces;

  bool operator==(const caller&) const = default;
};

} // namespace deployminator::messages
