#include "cli/troubles.hpp"

#include "cli/output.hpp"
#include "cli/text.hpp"

#include <fmt/format.h>

namespace deployminator::cli {

void remark_troubles(const std::string& place, const std::vector<messages::machine_trouble>& all,
                     time_zone zone) {
  for (const auto& each : all)
    remark(fmt::format("{}: {}, since {}: {}", printable(place), printable(each.what),
                       clock_text(each.since, zone), printable(each.hint)));
}

} // namespace deployminator::cli
