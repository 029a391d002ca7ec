#include "agent/linux/journal_directory.hpp"
#include "agent/linux/sealed_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace {

using namespace deployminator;

/// A directory in memory, for this process.
std::string scratch() {
  auto out = "/dev/shm/journal-fuzz-" + std::to_string(getpid());
  std::filesystem::create_directory(out);
  return out;
}

template <class T>
void check(const messages::result<T>& outcome) {
  if (!outcome && outcome.error().message.empty())
    std::abort();
}

} // namespace

/// Whatever stands in an agent's files, it is read, or told to be damaged; and the agent can write
/// its journal anew. The first byte says which file, and whether the rest is put behind a seal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto directory = scratch();
  constexpr std::array files{"agent", "identity", "records"};
  if (size == 0)
    return 0;
  std::string_view content{reinterpret_cast<const char*>(data) + 1, size - 1};
  for (const auto* each : files)
    std::filesystem::remove(directory + "/" + each);
  {
    std::ofstream file{directory + "/" + files.at(data[0] % files.size()), std::ios::binary};
    file << (data[0] & 0x80 ? agent::sealed(content) : std::string{content});
  }
  agent::journal_directory journal{directory};
  auto held = journal.load_agent();
  check(held);
  check(journal.load_instances());
  agent::agent_record own;
  if (held)
    own = *held;
  own.epoch = 7;
  check(journal.save_agent(own));
  auto again = agent::journal_directory{directory}.load_agent();
  if (!again || again->epoch != 7 || again->identity != own.identity)
    std::abort();
  return 0;
}
