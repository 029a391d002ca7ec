#include "cli/context.hpp"

#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace deployminator::cli {

configs::server_access context::access() const {
  auto out = configs::access_of(settings);
  if (!out)
    throw setback{exit_code::usage, out.error()};
  return std::move(*out);
}

bool context::rich_tables() const {
  return rich && is_capable_terminal(STDOUT_FILENO);
}

void print(const std::string& data) {
  std::fwrite(data.data(), 1, data.size(), stdout);
  if (std::fflush(stdout) != 0)
    throw setback{exit_code::failed,
                  {messages::failure_code::internal, "the output cannot be written to stdout",
                   "look whether the disk or the pipe it goes to is full or closed"}};
}

void remark(const std::string& sentence) {
  fmt::print(stderr, "{}\n", sentence);
}

void report(const context& c, const messages::failure& why) {
  if (c.json) {
    print(indented(error_json(why)));
    return;
  }
  remark("deploy: " + printable(why.message, true));
  if (!why.hint.empty())
    remark("  " + printable(why.hint, true));
}

} // namespace deployminator::cli
