#pragma once

#include "store/error.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace deployminator::test {

/// Why `f` fails, which it is to.
inline messages::failure failure_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const store::store_error& e) {
    return e.why();
  }
  FAIL("nothing failed");
  return {};
}

} // namespace deployminator::test
