#pragma once

#include "actors/decisions/edit.hpp"
#include "messages/caller.hpp"
#include "messages/farm.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace deployminator::actors {

/// The keys that the server knows, to be found by what a connection proves. Asks for none until it
/// is given some.
class keyring {
public:
  keyring() = default;
  explicit keyring(std::map<std::uint64_t, messages::access_key> all);

  /// The key's row, if it is good now; else null.
  [[nodiscard]] const messages::access_key* valid(const std::string& public_key) const;

  [[nodiscard]] const std::map<std::uint64_t, messages::access_key>& all() const {
    return all_;
  }

private:
  std::map<std::uint64_t, messages::access_key> all_;
  std::map<std::string, std::uint64_t> by_public_key_;
};

messages::caller caller_of(const messages::access_key& key);

/// The key of the operator who set the server up, where the farm does not know it yet.
messages::change first_operator(const messages::farm& f, const std::string& public_key,
                                const moment& m);

} // namespace deployminator::actors
