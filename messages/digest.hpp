#pragma once

#include "messages/instance.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Digests of sets: equal sets have equal digests, in whatever order they are kept. A set's digest
/// is the sum, modulo 2^64, of its members' digests, and 0 where it is empty. Only what is named
/// here goes into them, so a program that knows more keys than its peer computes the same.
/// README.md
/// ("Digests") has the definition for other languages.
namespace deployminator::messages {

/// Of one entry of an assignment: of its id and the revision that the server gave it.
std::uint64_t digest_of_entry(const std::string& id, std::uint64_t revision);

/// Of one observation: of all that protocol version 1 says about an instance.
std::uint64_t digest_of(const observation& seen);

std::uint64_t digest_of(const std::vector<instance_spec>& specs);
std::uint64_t digest_of(const std::vector<observation>& observations);

/// Of a text, 64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): the same on every machine
/// and in every release.
class text_digest {
public:
  /// Takes in a field: its bytes and one zero byte.
  text_digest& add(std::string_view field);
  text_digest& add(std::uint64_t number);

  [[nodiscard]] std::uint64_t value() const {
    return hash_;
  }

private:
  void mix(unsigned char byte);

  std::uint64_t hash_ = 14695981039346656037U;
};

} // namespace deployminator::messages
