#pragma once

#include "messages/caller.hpp"
#include "messages/wire.hpp"

#include <string>

namespace deployminator::actors {

/// The machines' answers to `find_logs`, put together for who asked. A plain value.
class log_gathering {
public:
  explicit log_gathering(messages::caller who) : who_(std::move(who)) {}

  /// What a machine has; it says nothing about other machines.
  void add(const std::string& machine, const messages::found_logs& part);
  /// The machine could not be asked.
  void miss(std::string machine);

  /// What the asker may see of it, the newest first, no more than a message holds.
  [[nodiscard]] messages::found_logs result() &&;

private:
  messages::caller who_;
  messages::found_logs all_;
};

} // namespace deployminator::actors
