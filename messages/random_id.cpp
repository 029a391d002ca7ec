#include "messages/random_id.hpp"

#include <fmt/format.h>

#include <random>

namespace deployminator::messages {

std::string new_random_id() {
  std::random_device random;
  std::string out;
  for (int i = 0; i < 4; ++i)
    out += fmt::format("{:08x}", random());
  return out;
}

} // namespace deployminator::messages
