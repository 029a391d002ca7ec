#include "actors/decisions/spreading.hpp"

#include <algorithm>

namespace deployminator::actors {

spreading::spreading(placing_board& board, placing_board::row& app)
  : board_(board), app_(app), area_(board.areas[app.area]), own_(board.scratch) {
  own_.resize(std::max(own_.size(), area_.open.size()));
  for (const auto& each : app.cells) {
    auto found = std::lower_bound(area_.open.begin(), area_.open.end(), each.machine);
    if (each.now == 0 || found == area_.open.end() || *found != each.machine)
      continue;
    auto place = static_cast<std::uint32_t>(found - area_.open.begin());
    own_[place] = each.now;
    touch(place);
  }
}

/// Writes back what was given and taken, and what the tree is to say for others.
spreading::~spreading() {
  std::sort(touched_.begin(), touched_.end());
  std::vector<placing_board::cell> out;
  out.reserve(app_.cells.size() + touched_.size());
  auto old = app_.cells.begin();
  for (auto place : touched_) {
    auto machine = area_.open[place];
    for (; old != app_.cells.end() && old->machine < machine; ++old)
      out.push_back(*old);
    bool is_known = old != app_.cells.end() && old->machine == machine;
    if (is_known || own_[place] > 0) {
      out.push_back(is_known ? *old++ : placing_board::cell{machine});
      out.back().now = own_[place];
    }
    own_[place] = 0;
    area_.loads.set(place, column(place).instances);
  }
  out.insert(out.end(), old, app_.cells.end());
  app_.cells = std::move(out);
}

placing_board::column& spreading::column(std::uint32_t place) const {
  return board_.columns[area_.open[place]];
}

std::uint64_t spreading::load(std::uint32_t place) const {
  return column(place).instances;
}

void spreading::touch(std::uint32_t place) {
  touched_.push_back(place);
  area_.loads.set(place, least_loaded::blocked);
}

std::optional<std::uint32_t> spreading::next() {
  if (area_.open.empty())
    return std::nullopt;
  auto start = (app_.start * area_.open.size()) >> 32;
  for (;;) {
    if (area_.loads.least() == least_loaded::blocked) {
      if (!rise())
        return std::nullopt;
      continue;
    }
    auto place = static_cast<std::uint32_t>(area_.loads.first_from(start));
    if (column(place).has_room(app_.size))
      return place;
    if (own_[place] == 0)
      touched_.push_back(place);
    area_.loads.set(place, least_loaded::blocked);
  }
}

/// Goes to the next number of instances that any machine has that takes one more.
bool spreading::rise() {
  auto takes_more = [&](std::uint32_t place) {
    return own_[place] < app_.at_most && column(place).has_room(app_.size);
  };
  auto least = placing_board::no_limit;
  for (auto place : touched_)
    if (takes_more(place))
      least = std::min(least, own_[place]);
  if (least == placing_board::no_limit)
    return false;
  level_ = least;
  for (auto place : touched_)
    if (own_[place] == level_ && takes_more(place))
      area_.loads.set(place, load(place));
  return true;
}

void spreading::tell_others(std::uint32_t place) {
  auto& machine = column(place);
  for (const auto& [number, other_place] : machine.places)
    if (number != app_.area)
      board_.areas[number].loads.set(other_place, machine.instances);
}

void spreading::give(std::uint32_t place) {
  auto& machine = column(place);
  ++machine.instances;
  machine.memory += app_.size;
  ++app_.placed;
  if (++own_[place] == 1)
    touched_.push_back(place);
  area_.loads.set(place, least_loaded::blocked);
  tell_others(place);
}

void spreading::take(std::uint32_t place) {
  auto& machine = column(place);
  --machine.instances;
  machine.memory -= app_.size;
  --app_.placed;
  if (--own_[place] == level_)
    area_.loads.set(place, machine.instances);
  tell_others(place);
}

std::vector<std::uint32_t> spreading::used() const {
  std::vector<std::uint32_t> out;
  for (auto place : touched_)
    if (own_[place] > 0)
      out.push_back(place);
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace deployminator::actors
