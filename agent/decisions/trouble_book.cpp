#include "agent/decisions/trouble_book.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::agent {

namespace {

const messages::machine_trouble* named(const troubles& all, const std::string& what) {
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.what == what; });
  return found == all.end() ? nullptr : &*found;
}

} // namespace

trouble_book::news trouble_book::set(trouble_source from, troubles found, messages::timestamp now) {
  auto& known = known_[from];
  for (auto& each : found) {
    const auto* before = named(known, each.what);
    each.since = before ? before->since : now;
  }
  if (found == known)
    return news::none;
  bool some_ended = std::any_of(known.begin(), known.end(),
                                [&](const auto& each) { return !named(found, each.what); });
  known = std::move(found);
  return some_ended ? news::some_ended : news::changed;
}

troubles trouble_book::list() const {
  troubles out;
  for (const auto& [from, found] : known_)
    out.insert(out.end(), found.begin(), found.end());
  return out;
}

} // namespace deployminator::agent
