#include "deploy-configs/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// Whatever stands in a machine's config file is read, or its mistake is told.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deployminator::configs;
  auto read = public_ports_in({reinterpret_cast<const char*>(data), size}, "config.yaml");
  if (!read && read.error().message.empty())
    std::abort();
  return 0;
}
