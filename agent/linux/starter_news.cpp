#include "agent/linux/starter_news.hpp"

namespace deployminator::agent {

namespace {

using starter::phase;

/// The program ran in this run, and ended.
bool did_run(const starter::state& state) {
  return state.what == phase::exited || (state.what == phase::gone && state.pid != 0);
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
  if (what == process_event::kind::exited)
    out.exit = state.exit;
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
  out.started_at.microseconds = state.started_at;
  if (state.what == phase::exited)
    out.exit = state.exit;
  return out;
}

told_runs told_by(const starter::state& state) {
  told_runs out;
  if (state.what != phase::starting)
    out.start = state.run;
  if (state.what == phase::exited || state.what == phase::not_started)
    out.end = state.run;
  return out;
}

found_instance found_dead(const std::string& id, const starter::state& state) {
  found_instance out;
  out.id = id;
  if (did_run(state))
    out.exit = state.exit;
  return out;
}

} // namespace deployminator::agent
