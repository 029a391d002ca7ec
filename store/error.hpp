#pragma once

#include "messages/failure.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace deployminator::store {

/// What may come of making the same transaction again.
enum class remedy {
  /// Nothing, before somebody has done something.
  none,
  /// It was in another's way, which is over.
  again,
  /// The connection was lost, and a new one may be had.
  new_connection,
  /// The same, and it may have been made already: its number tells.
  unknown_outcome,
};

/// Thrown below `store`, which turns it into the failure that it carries.
class store_error : public std::runtime_error {
public:
  explicit store_error(messages::failure why, remedy helps = remedy::none)
    : std::runtime_error(why.message), why_(std::move(why)), helps_(helps) {}

  const messages::failure& why() const {
    return why_;
  }
  remedy helps() const {
    return helps_;
  }

private:
  messages::failure why_;
  remedy helps_;
};

/// A value in the database is none that we write; says which and what was expected. Whoever knows
/// the row turns it into a `store_error`.
class damage : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace deployminator::store
