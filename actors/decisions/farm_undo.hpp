#pragma once

#include "messages/change.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace deployminator::actors {

/// What a farm was before some changes. Costs what the changes touch.
class farm_undo {
public:
  /// Called before each of the changes is applied to `f`.
  void note(const messages::farm& f, const messages::change& c);

  /// Takes all of them back, and forgets them. Receipts that were dropped for their age stay
  /// dropped.
  void undo(messages::farm& f);

  /// The changes stay.
  void forget() {
    *this = {};
  }

private:
  /// Rows by key; nothing for one that was not there.
  template <class Key, class Row>
  using rows = std::map<Key, std::optional<Row>>;

  struct numbers {
    std::uint64_t last_event = 0;
    std::uint64_t last_application = 0;
  };

  rows<std::uint64_t, messages::group> groups_;
  rows<std::uint64_t, messages::version> versions_;
  rows<std::string, messages::instance> instances_;
  rows<std::string, messages::machine> machines_;
  rows<std::uint64_t, messages::rollout> rollouts_;
  rows<std::string, messages::receipt> receipts_;
  rows<std::uint64_t, messages::access_key> keys_;
  std::optional<numbers> numbers_;
};

} // namespace deployminator::actors
