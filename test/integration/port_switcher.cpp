#include "agent/linux/nft_packet_filter.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

using namespace deployminator::agent;

/// `port_switcher PUBLIC_PORT PORT PORT TIMES MILLISECONDS`: leads the public port to one port and
/// the other in turn, with what the agent uses for it.
int main(int argc, char** argv) {
  if (argc != 6)
    return 2;
  auto number = [&](int n) { return static_cast<std::uint16_t>(std::atoi(argv[n])); };
  nft_packet_filter filter;
  for (int i = 0; i < number(4); ++i) {
    auto done = filter.lead({{number(1), i % 2 == 0 ? number(2) : number(3)}});
    if (!done || *done != packet_filter::outcome::switched) {
      std::fprintf(stderr, "switch %d: %s\n", i,
                   done ? "nothing was switched" : done.error().message.c_str());
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{number(5)});
  }
  return 0;
}
