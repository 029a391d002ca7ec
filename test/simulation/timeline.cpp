#include "simulation/timeline.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployminator::simulation {

std::string to_text(moment t) {
  auto us = t.count() / 1'000;
  return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

void timeline::at(moment when, std::function<void()> what) {
  queue_.push({std::max(when, now_), ++entered_, std::move(what)});
}

void timeline::after(moment wait, std::function<void()> what) {
  at(now_ + wait, std::move(what));
}

bool timeline::step(moment until) {
  if (queue_.empty() || queue_.top().when > until) {
    now_ = std::max(now_, until);
    return false;
  }
  // `top` is const only so that nobody changes the order; the entry goes at once.
  auto what = std::move(const_cast<entry&>(queue_.top()).what);
  now_ = queue_.top().when;
  queue_.pop();
  what();
  return true;
}

dice::dice(std::uint64_t seed, std::string_view purpose) : state_(seed) {
  for (char each : purpose)
    state_ = (state_ ^ static_cast<unsigned char>(each)) * 0x100000001b3;
  next();
}

std::uint64_t dice::next() {
  auto z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t dice::below(std::uint64_t limit) {
  return next() % limit;
}

double dice::unit() {
  return static_cast<double>(next() >> 11) / 9007199254740992.0;
}

bool dice::chance(double probability) {
  return unit() < probability;
}

moment dice::between(moment from, moment to) {
  return from
         + moment{static_cast<std::int64_t>(unit() * static_cast<double>((to - from).count()))};
}

} // namespace deployminator::simulation
