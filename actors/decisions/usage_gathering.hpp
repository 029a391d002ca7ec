#pragma once

#include "messages/wire.hpp"

#include <set>
#include <string>
#include <utility>

namespace deployminator::actors {

/// The machines' answers to `measure`, put together for who asked. A plain value.
class usage_gathering {
public:
  /// `visible`: the instances that the asker wants and may see.
  explicit usage_gathering(std::set<std::string> visible) : visible_(std::move(visible)) {}

  /// What a machine says, of its own instances and nothing else.
  void add(const messages::measured& part);
  /// The machine could not be asked.
  void miss(std::string machine);

  /// Those that use most of a processor first, no more than a message holds.
  [[nodiscard]] messages::measured result() &&;

private:
  std::set<std::string> visible_;
  messages::measured all_;
};

} // namespace deployminator::actors
