#include "cli/troubles.hpp"

#include "cli/output.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

namespace deployminator::cli {

std::string trouble_text(const std::string& place, const messages::machine_trouble& t,
                         time_zone zone) {
  return fmt::format("{}: {}, since {}: {}", printable(place), printable(t.what),
                     clock_text(t.since, zone), printable(t.hint));
}

void remark_troubles(const std::string& place, const std::vector<messages::machine_trouble>& all,
                     time_zone zone) {
  for (const auto& each : all)
    remark(trouble_text(place, each, zone));
}

} // namespace deployminator::cli
