#include "actors/decisions/presence.hpp"

#include <utility>

namespace deployminator::actors {

presence::presence(std::set<std::string> awaited) : awaited_(std::move(awaited)) {}

void presence::arrive(const std::string& machine) {
  awaited_.erase(machine);
  connected_.insert(machine);
}

void presence::expect(const std::string& machine) {
  if (!connected_.contains(machine))
    awaited_.insert(machine);
}

void presence::leave(const std::string& machine) {
  awaited_.erase(machine);
  connected_.erase(machine);
}

} // namespace deployminator::actors
