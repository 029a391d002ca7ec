/// Stops every instance of this machine in order while no agent runs, and tells how each ended:
///
///   autodeployer-stop [the agent's own flags]
///
/// autodeployer-instances.service runs it when the machine shuts down.

#include "agent/linux/machine_stop.hpp"
#include "deploy-configs/settings.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace deployminator;

void say(const std::string& text) {
  std::fprintf(stderr, "autodeployer-stop: %s\n", text.c_str());
}

std::string text_of(const agent::stopped_instance& stopped) {
  if (!stopped.problem.empty())
    return fmt::format("instance {}: {}", stopped.id, stopped.problem);
  if (!stopped.exit)
    return fmt::format("instance {} did not run", stopped.id);
  return fmt::format("instance {} {} after {} ms, exit {}", stopped.id,
                     stopped.killed ? "was too slow and was killed" : "ended", stopped.took.count(),
                     *stopped.exit);
}

int stop(int argc, char** argv) {
  // As for what talks to nobody and needs no key.
  std::vector<const char*> args(argv, argv + argc);
  args.push_back("--print-rules");
  auto read = configs::read_agent_settings(argc + 1, args.data());
  std::string root;
  if (const auto* settings = std::get_if<configs::agent_settings>(&read)) {
    root = settings->root;
  } else {
    const auto& done = std::get<configs::exit_now>(read);
    std::fputs(done.text.c_str(), done.to_stdout ? stdout : stderr);
    if (argc > 1)
      return done.code;
    // A file that somebody broke while the agent ran must not cost the instances their order.
    say("stops what is in the system's directories");
  }
  int code = 0;
  auto stopped = agent::stop_with_machine(
    agent::directories_below(root),
    [&code](const agent::stopped_instance& each) {
      say(text_of(each));
      if (!each.problem.empty())
        code = 1;
    },
    [](const messages::failure& why) { say(why.message + "; stops by SIGTERM within 10 s"); });
  if (stopped)
    return code;
  say(stopped.error().message);
  if (!stopped.error().hint.empty())
    say(stopped.error().hint);
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return stop(argc, argv);
  } catch (const std::exception& e) {
    // Too little memory, at worst.
    std::fprintf(stderr, "autodeployer-stop: %s\n", e.what());
    return 1;
  }
}
