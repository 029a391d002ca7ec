#include "agent/linux/starter_news.hpp"

namespace deployminator::agent {

namespace {

using starter::phase;

/// The program ran in this run, and ended.
bool did_run(const starter::state& state) {
  return state.what == phase::exited || (state.what == phase::gone && state.pid != 0);
}

/// How the program ended by itself; nothing where its starter killed it.
std::optional<int> exit_of(const starter::state& state) {
  bool ended = did_run(state) && state.failed != starter::problem::killed
               && state.failed != starter::problem::too_slow;
  return ended ? std::optional<int>{state.exit} : std::nullopt;
}

/// When the run began whose program there is, or was.
messages::timestamp start_of(const starter::state& state) {
  return {state.pid != 0 ? state.started_at : 0};
}

/// The program runs, or is about to.
bool is_under_way(const starter::state& state) {
  return state.what == phase::starting || state.what == phase::running;
}

process_event event_of(const std::string& id, const starter::state& state,
                       process_event::kind what) {
  process_event out;
  out.id = id;
  out.what = what;
  if (what != process_event::kind::not_started) {
    out.pid = state.pid;
    out.started_at.microseconds = state.started_at;
  }
  if (what == process_event::kind::exited) {
    out.exit = exit_of(state);
    out.too_slow = was_too_slow(state);
  }
  return out;
}

} // namespace

std::vector<process_event> news_of(const std::string& id, const starter::state& state,
                                   told_runs& told) {
  std::vector<process_event> out;
  bool did_start = did_run(state) || state.what == phase::running;
  if (did_start && told.start < state.run) {
    told.start = state.run;
    out.push_back(event_of(id, state, process_event::kind::started));
  }
  bool did_end = did_run(state) || state.what == phase::not_started;
  if (did_end && told.end < state.run) {
    told.end = state.run;
    out.push_back(event_of(
      id, state, did_run(state) ? process_event::kind::exited : process_event::kind::not_started));
  }
  return out;
}

found_instance found_alive(const std::string& id, const starter::state& state) {
  found_instance out;
  out.id = id;
  out.running = state.what == phase::running;
  out.pid = out.running ? state.pid : 0;
  out.started_at = start_of(state);
  out.exit = exit_of(state);
  out.starting = state.what == phase::starting;
  return out;
}

told_runs told_by(const starter::state& state) {
  // The starter has not begun its first run, so nothing could be told.
  if (state.run == 0)
    return {};
  told_runs out{state.run, state.run};
  if (state.what == phase::starting)
    --out.start;
  if (is_under_way(state))
    --out.end;
  return out;
}

found_instance found_dead(const std::string& id, const starter::state& state) {
  found_instance out;
  out.id = id;
  out.started_at = start_of(state);
  out.exit = exit_of(state);
  out.died = is_under_way(state) && state.run > 0;
  return out;
}

} // namespace deployminator::agent
