#pragma once

#include "deploy-configs/mistake.hpp"

#include <string_view>

namespace deployminator::configs {

/// What the YAML parser says of a text, in words of ours: where a person has to look, which often
/// is not where the parser gave up, and what was expected there. `said` holds the parser's place
/// and its message.
mistake in_plain_words(std::string_view text, const mistake& said);

} // namespace deployminator::configs
