#include "agent/decisions/launch.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/starter_news.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

using namespace deployminator::agent;

/// A directory in memory, for this process.
std::string scratch() {
  auto out = "/dev/shm/starter-state-fuzz-" + std::to_string(getpid());
  std::filesystem::create_directory(out);
  return out;
}

/// The content with a checksum that is right, where it is as long as a state or longer.
std::string sealed(std::string content) {
  starter::state state;
  if (content.size() < sizeof state)
    return content;
  std::memcpy(&state, content.data(), sizeof state);
  state.checksum = checksum_of(state);
  std::memcpy(content.data(), &state, sizeof state);
  return content;
}

void require(bool holds) {
  if (!holds)
    std::abort();
}

/// What an agent that was there before the state and one that finds it make of it.
void check(const starter::state& state) {
  told_runs told;
  for (const auto& each : news_of("a", state, told))
    require(!each.exit || !exit_text(*each.exit).empty());
  require(news_of("a", state, told).empty());

  auto found = found_alive("a", state);
  auto dead = found_dead("a", state);
  require(!dead.running && !dead.starting && !(found.running && found.starting));
  told = told_by(state);
  require(news_of("a", state, told).empty());
  if (state.run == UINT32_MAX)
    return;
  auto next = state;
  ++next.run;
  next.what = starter::phase::exited;
  require(!news_of("a", next, told).empty());
}

} // namespace

/// Whatever stands in an instance's state, it is taken for none or is the state of a program; and
/// nothing of it is told twice, nor what follows missed. The first byte says whether the checksum
/// is made right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto directory = scratch();
  if (size == 0)
    return 0;
  std::string content{reinterpret_cast<const char*>(data) + 1, size - 1};
  {
    std::ofstream file{state_path(directory), std::ios::binary | std::ios::trunc};
    file << (data[0] & 0x80 ? sealed(content) : content);
  }
  auto state = read_state(directory);
  if (!state)
    return 0;
  require(state->port_count <= starter::most_ports);
  check(*state);
  starter_setup setup;
  setup.log = "log";
  setup.home = "home";
  require(!problem_text(*state, setup, "program").empty());
  return 0;
}
