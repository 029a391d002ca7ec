#include "deploy-configs/deploy_file.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

/// Whatever a build sends as its deploy.yaml is read, or its mistakes are told.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deployminator::configs;
  auto file = read_deploy_file({reinterpret_cast<const char*>(data), size});
  if (const auto* mistakes = std::get_if<1>(&file)) {
    if (mistakes->empty())
      std::abort();
    return 0;
  }
  auto built = for_build(std::get<0>(file), {7, "repository", "artifact", ""});
  if (const auto* mistakes = std::get_if<1>(&built); mistakes && mistakes->empty())
    std::abort();
  return 0;
}
