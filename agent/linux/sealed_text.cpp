#include "agent/linux/sealed_text.hpp"

#include "agent/linux/sha256.hpp"

#include <fmt/format.h>

#include <charconv>

namespace deployminator::agent {

namespace {

constexpr std::size_t length_digits = 8;
constexpr std::size_t hash_digits = seal_size - length_digits;

std::string short_hash_of(std::string_view content) {
  sha256 hash;
  hash.add(content.data(), content.size());
  return hash.hex().substr(0, hash_digits);
}

} // namespace

std::string sealed(std::string_view content) {
  return fmt::format("{:0{}x}{}{}", content.size(), length_digits, short_hash_of(content), content);
}

std::string_view first_sealed(std::string_view text) {
  std::size_t length = 0;
  if (text.size() < seal_size
      || std::from_chars(text.data(), text.data() + length_digits, length, 16).ptr
           != text.data() + length_digits
      || length > text.size() - seal_size)
    return {};
  auto content = text.substr(seal_size, length);
  bool whole = text.substr(length_digits, hash_digits) == short_hash_of(content);
  return whole ? content : std::string_view{};
}

} // namespace deployminator::agent
