#include "simulation/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::simulation {

namespace {

constexpr moment start_of_steady = 1h;
constexpr std::int64_t start_of_utc = 1'700'000'000'000'000;

} // namespace

std::string to_text(moment t) {
  auto us = t.count() / 1'000;
  return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

std::chrono::steady_clock::time_point steady_at(moment t) {
  return std::chrono::steady_clock::time_point{start_of_steady + t};
}

moment moment_of(std::chrono::steady_clock::time_point t) {
  return std::max(t, steady_at(moment{0})).time_since_epoch() - start_of_steady;
}

messages::timestamp utc_at(moment t, moment error) {
  return {start_of_utc + (t + error).count() / 1'000};
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
