#include "messages/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

/// Whatever comes over the network is a message, or is refused with a sentence; a message survives
/// its way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deployminator::messages;
  std::span bytes{reinterpret_cast<const char*>(data), size};
  correlation_of(bytes);
  auto decoded = decode(bytes);
  if (!decoded) {
    if (decoded.error().message.empty())
      std::abort();
    return 0;
  }
  auto again = encode(*decoded);
  if (again.size() <= max_message_bytes && !decode(again))
    std::abort();
  return 0;
}
