#pragma once

#include <string>

namespace deployminator::messages {

/// 128 bits from the kernel's random numbers, in hexadecimal: of an order, of a store.
std::string new_random_id();

} // namespace deployminator::messages
