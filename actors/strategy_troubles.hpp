#pragma once

#include "actors/commits.hpp"

#include <string>

/// What the DEPLOYMINATOR tells of strategies in other processes that do not place what they
/// should.
namespace deployminator::actors {

/// The strategy does not place something deployed, and `why`; empty: it does again, and what is
/// lacking is looked at.
void note_strategy(deployminator_pointer self, const std::string& strategy, const std::string& why);

/// What no deployed version names is no trouble any more.
void forget_unused_strategies(deployminator_pointer self, const messages::farm& f);

} // namespace deployminator::actors
