#include "messages/bus/curve.hpp"

#include <array>
#include <stdexcept>
#include <zmq.h>

namespace deployminator::bus {

namespace {

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

} // namespace deployminator::bus
