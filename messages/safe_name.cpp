#include "messages/safe_name.hpp"

#include <algorithm>

namespace deployminator::messages {

bool is_safe_name(std::string_view text, std::size_t max_length) {
  // Not isalnum: what is safe does not depend on a locale.
  auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.'
           || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= max_length && text[0] != '.' && text[0] != '-'
         && std::ranges::all_of(text, is_safe);
}

} // namespace deployminator::messages
