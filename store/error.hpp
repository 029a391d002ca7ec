#pragma once

#include "messages/failure.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace deployminator::store {

/// Thrown below `store`, which turns it into the failure that it carries.
class store_error : public std::runtime_error {
public:
  explicit store_error(messages::failure why)
    : std::runtime_error(why.message), why_(std::move(why)) {}

  const messages::failure& why() const {
    return why_;
  }

private:
  messages::failure why_;
};

/// A value in the database is none that we write; says which and what was expected. Whoever knows
/// the row turns it into a `store_error`.
class damage : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace deployminator::store
