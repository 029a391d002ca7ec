#include "messages/bus/curve.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <zmq.h>

namespace deployminator::bus {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t key_characters = 40;
/// With the zero byte that libzmq writes behind it.
using key_text = std::array<char, key_characters + 1>;

} // namespace

key_pair new_key_pair() {
  key_text public_key{};
  key_text secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    throw std::runtime_error("libzmq was built without CURVE");
  return {public_key.data(), secret_key.data()};
}

bool is_key(std::string_view text) {
  std::array<std::uint8_t, key_bytes> decoded{};
  return text.size() == key_characters
         && zmq_z85_decode(decoded.data(), std::string{text}.c_str()) != nullptr;
}

std::string public_key_of(const std::string& secret_key) {
  key_text public_key{};
  if (!is_key(secret_key) || zmq_curve_public(public_key.data(), secret_key.c_str()) != 0)
    return {};
  return public_key.data();
}

} // namespace deployminator::bus
