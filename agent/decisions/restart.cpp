#include "agent/decisions/restart.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::agent {

namespace {

using messages::restart_policy;
using std::chrono::milliseconds;

bool is_as_it_should_be(const messages::program& app, std::optional<int> exit) {
  return exit == 0 && (!app.always_on || app.restart.policy == restart_policy::on_failure);
}

void count(exit_count& exits, const messages::restart_rules& rules, exit_count::time_point now) {
  ++exits.since_ready;
  exits.recent.push_back(now);
  std::erase_if(exits.recent, [&](auto at) { return now - at > rules.give_up_window; });
}

bool is_hopeless(const exit_count& exits, const messages::restart_rules& rules) {
  return rules.give_up_count > 0 && exits.recent.size() >= rules.give_up_count;
}

restart_verdict verdict_on(const messages::program& app, std::optional<int> exit,
                           const std::string& reason, const exit_count& exits, bool hopeless) {
  const auto& rules = app.restart;
  restart_verdict out;
  out.reason = reason;
  out.gave_up = hopeless;
  out.over = hopeless || is_as_it_should_be(app, exit) || rules.policy == restart_policy::never;
  if (!out.over) {
    out.wait = back_off(rules.backoff_min, rules.backoff_max, exits.since_ready);
  } else if (exit == 0) {
    out.state = messages::instance_state::stopped;
    out.reason = "finished";
  } else if (out.gave_up) {
    out.reason += fmt::format("; gave up after {} exits within {}", exits.recent.size(),
                              length_text(rules.give_up_window));
  }
  return out;
}

} // namespace

exit_count recalled_exits(std::uint32_t since_ready, const messages::restart_rules& rules,
                          exit_count::time_point now) {
  exit_count out;
  out.since_ready = since_ready;
  out.recent.assign(std::min(since_ready, rules.give_up_count), now);
  return out;
}

restart_verdict after_exit(const messages::program& app, std::optional<int> exit,
                           const std::string& reason, exit_count& exits,
                           exit_count::time_point now) {
  const auto& rules = app.restart;
  bool normal = is_as_it_should_be(app, exit);
  if (!normal)
    count(exits, rules, now);
  bool hopeless = !normal && rules.policy != restart_policy::never && is_hopeless(exits, rules);
  return verdict_on(app, exit, reason, exits, hopeless);
}

restart_verdict after_known_exit(const messages::program& app, std::optional<int> exit,
                                 const std::string& reason, const exit_count& exits) {
  return verdict_on(app, exit, reason, exits, false);
}

std::string length_text(milliseconds length) {
  auto ms = length.count();
  if (ms % 60'000 == 0)
    return fmt::format("{}m", ms / 60'000);
  return ms % 1'000 == 0 ? fmt::format("{}s", ms / 1'000) : fmt::format("{}ms", ms);
}

milliseconds back_off(milliseconds first, milliseconds last, std::uint32_t n) {
  auto wait = first;
  for (std::uint32_t i = 1; i < n && wait < last; ++i)
    wait *= 2;
  return std::min(wait, last);
}

} // namespace deployminator::agent
