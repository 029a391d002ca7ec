#include "deploy-configs/this_machine.hpp"

#include "deploy-configs/values.hpp"
#include "messages/safe_name.hpp"

#include <array>
#include <unistd.h>

namespace deployminator::configs {

std::string host_name() {
  std::array<char, messages::longest_machine_name + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || !is_safe_name(name.data(), name.size()))
    return "localhost";
  return name.data();
}

std::uint64_t machine_memory_mb() {
  auto pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0)
    return 1;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
         / (std::uint64_t{1024} * 1024);
}

} // namespace deployminator::configs
