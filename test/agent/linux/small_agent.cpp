/// As much of an agent as a test may kill: `small_agent ROOT COUNT` starts COUNT instances of
/// /bin/sleep, prints "ID PID PORT" for each, and waits to be killed.

#include "agent/linux/process_launcher.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <unistd.h>

using namespace deployminator::agent;

int main(int argc, char** argv) {
  if (argc < 3)
    return 2;
  auto where = directories_below(argv[1]);
  auto lock = take(where);
  auto programs = find_helper_programs();
  if (!lock || !programs)
    return 3;
  launcher_config config;
  config.where = where;
  config.programs = *programs;
  std::promise<process_event> started;
  process_launcher launcher{config, [&](process_event e) {
                              if (e.what == process_event::kind::started)
                                started.set_value(std::move(e));
                            }};
  if (!launcher.recover())
    return 4;
  // The instances' file is linked to it, and that of the earlier ones may run.
  auto sleep = where.cache + "/sleep";
  std::filesystem::copy_file("/bin/sleep", sleep + ".tmp",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::rename(sleep + ".tmp", sleep);
  for (int n = 0; n < std::atoi(argv[2]); ++n) {
    started = {};
    auto id = "sleeper-" + std::to_string(n);
    auto granted = launcher.reserve(id, 1, true);
    std::promise<bool> unpacked;
    launcher.unpack({id, sleep, sleep, "sleep"},
                    [&](auto done) { unpacked.set_value(static_cast<bool>(done)); });
    if (!granted || !unpacked.get_future().get())
      return 5;
    launch_order order;
    order.id = id;
    order.binary = "sleep";
    order.args = {"1000"};
    launcher.launch(order);
    auto event = started.get_future().get();
    std::printf("%s %lld %d\n", id.c_str(), static_cast<long long>(event.pid), granted->ports[0]);
    std::fflush(stdout);
  }
  for (;;)
    pause();
}
