#pragma once

#include <cstdlib>

namespace deployminator::agent::starter {

/// Calls `visit` with each number of a comma separated list.
template <class Visit>
void each_number(const char* list, Visit visit) {
  while (*list) {
    char* end = nullptr;
    long number = strtol(list, &end, 10);
    if (end == list)
      return;
    visit(number);
    list = *end == ',' ? end + 1 : end;
  }
}

} // namespace deployminator::agent::starter
