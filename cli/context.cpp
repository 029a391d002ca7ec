#include "cli/context.hpp"

#include "cli/terminal.hpp"

#include <unistd.h>

namespace deployminator::cli {

configs::server_access context::access() const {
  auto out = configs::access_of(settings);
  if (!out)
    throw setback{exit_code::usage, out.error()};
  return std::move(*out);
}

canvas context::page(bool wide) const {
  auto out = terminal_page(STDOUT_FILENO);
  out.rich = rich && is_capable_terminal(STDOUT_FILENO);
  out.width = wide ? 0 : out.width;
  out.zone = zone;
  return out;
}

void report(bool as_json, const messages::failure& why) {
  if (as_json) {
    go_on_without_output();
    print(indented(error_json(why)));
    return;
  }
  remark("deploy: " + printable(why.message, true));
  if (!why.hint.empty())
    remark("  " + printable(why.hint, true));
}

} // namespace deployminator::cli
