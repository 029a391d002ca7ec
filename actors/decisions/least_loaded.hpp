#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace deployminator::actors {

/// Numbers by place, of which the least is found at once: a tree of minima.
class least_loaded {
public:
  static constexpr std::uint64_t blocked = std::numeric_limits<std::uint64_t>::max();

  explicit least_loaded(std::size_t places = 0) {
    while (leaves_ < places)
      leaves_ *= 2;
    tree_.assign(2 * leaves_, blocked);
  }

  void set(std::size_t place, std::uint64_t load) {
    auto i = leaves_ + place;
    tree_[i] = load;
    for (i /= 2; i > 0; i /= 2) {
      auto least = tree_[2 * i] < tree_[2 * i + 1] ? tree_[2 * i] : tree_[2 * i + 1];
      if (tree_[i] == least)
        return;
      tree_[i] = least;
    }
  }

  /// The least number; `blocked` where no place has one.
  [[nodiscard]] std::uint64_t least() const {
    return tree_[1];
  }

  /// The first place from `start` on, round and round, that has the least number.
  [[nodiscard]] std::size_t first_from(std::size_t start) const {
    // Up from the start, until something to the right has it; then down to the first.
    auto i = leaves_ + start;
    if (tree_[i] != least()) {
      for (; i > 1 && (i % 2 == 1 || tree_[i + 1] != least()); i /= 2) {
        // nop
      }
      i = i > 1 ? i + 1 : 1;
    }
    while (i < leaves_)
      i = tree_[2 * i] == least() ? 2 * i : 2 * i + 1;
    return i - leaves_;
  }

private:
  std::size_t leaves_ = 1;
  std::vector<std::uint64_t> tree_;
};

} // namespace deployminator::actors
