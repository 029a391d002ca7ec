#pragma once

#include "messages/change.hpp"

namespace deployminator::test {

/// Any change that fits `before`: every kind of row new, replaced and gone, versions changing in
/// what may change, texts with whatever bytes. Draws from RapidCheck: only within a property.
messages::change any_change(const messages::farm& before);

} // namespace deployminator::test
