#include "actors/common/errors.hpp"

#include <caf/all.hpp>

namespace deployminator::common {

namespace {

constexpr auto category = caf::atom("deploy");

} // namespace

caf::error to_error(const messages::failure& f) {
  // Code 0 means "no error" to CAF, so codes are shifted by one.
  return caf::error{static_cast<std::uint8_t>(static_cast<std::uint8_t>(f.code) + 1), category,
                    caf::make_message(f.message, f.hint)};
}

messages::failure to_failure(const caf::error& e) {
  if (e.category() == category && e.context().match_elements<std::string, std::string>())
    return {static_cast<messages::failure_code>(e.code() - 1), e.context().get_as<std::string>(0),
            e.context().get_as<std::string>(1)};
  if (e == caf::sec::request_timeout)
    return {messages::failure_code::timeout, "a part of this program did not answer in time",
            "try again; if it stays so, restart the program and look at its log"};
  return {messages::failure_code::internal, "a part of this program failed: " + caf::to_string(e),
          "look at its log"};
}

} // namespace deployminator::common
