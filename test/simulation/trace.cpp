#include "simulation/trace.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace deployminator::simulation {

trace::trace(const timeline& clock, reader lines) : clock_(clock), lines_(std::move(lines)) {}

void trace::tell(std::string_view who, std::string_view what) {
  mix(who);
  mix(what);
  if (lines_)
    lines_(fmt::format("{:>11}  {:<12} {}", to_text(clock_.now()), who, what));
}

void trace::mix(std::string_view bytes) {
  // Eight bytes at a time: a farm says much.
  auto add = [this](std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 32;
  };
  add(static_cast<std::uint64_t>(clock_.now().count()) ^ bytes.size());
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    add(word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + i, bytes.size() - i);
  add(rest);
}

void trace::break_promise(std::string rule, std::string what) {
  tell("CHECK", fmt::format("broken: {}: {}", rule, what));
  if (!broken_)
    broken_ = violation{clock_.now(), std::move(rule), std::move(what)};
}

} // namespace deployminator::simulation
