#include "simulation/shrink.hpp"

#include <algorithm>

namespace deployminator::simulation {

plan shrink(plan p, const std::function<bool(const plan&)>& is_broken) {
  for (std::size_t size = std::max<std::size_t>(p.faults.size() / 2, 1); !p.faults.empty();) {
    bool smaller = false;
    for (std::size_t begin = 0; begin < p.faults.size();) {
      auto fewer = p;
      auto first = fewer.faults.begin() + static_cast<std::ptrdiff_t>(begin);
      auto count = std::min(size, p.faults.size() - begin);
      fewer.faults.erase(first, first + static_cast<std::ptrdiff_t>(count));
      if (is_broken(fewer)) {
        p = std::move(fewer);
        smaller = true;
      } else {
        begin += size;
      }
    }
    if (size == 1 && !smaller)
      break;
    if (!smaller)
      size = std::max<std::size_t>(size / 2, 1);
  }
  return p;
}

} // namespace deployminator::simulation
