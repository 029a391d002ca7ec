#pragma once

#include "messages/failure.hpp"

#include <caf/error.hpp>

namespace deployminator::common {

/// A failure as CAF carries it between actors; its category is the atom `deploy`.
caf::error to_error(const messages::failure& f);

/// Back again. CAF's own errors (a timeout, an actor that is gone) become `internal` failures.
messages::failure to_failure(const caf::error& e);

} // namespace deployminator::common
