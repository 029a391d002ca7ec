#pragma once

#include "cli/clock.hpp"
#include "messages/machine_trouble.hpp"

#include <string>
#include <vector>

namespace deployminator::cli {

/// What is wrong at a place, since when and what to do about it, in one line.
std::string trouble_text(const std::string& place, const messages::machine_trouble& t,
                         time_zone zone);

/// Says on stderr what is wrong at a place, since when and what to do about it, a line each.
void remark_troubles(const std::string& place, const std::vector<messages::machine_trouble>& all,
                     time_zone zone);

} // namespace deployminator::cli
