#include "agent/decisions/inheritance.hpp"

#include <utility>

namespace deployminator::agent {

inheritance::inheritance(std::vector<found_instance> found, std::vector<instance_record> records,
                         const std::vector<messages::instance_spec>& leaving) {
  for (auto& each : found)
    found_.emplace(each.id, std::move(each));
  for (auto& each : records)
    records_.emplace(each.id, std::move(each));
  for (const auto& spec : leaving)
    leaving_[spec.id] = std::make_shared<const messages::instance_spec>(spec);
}

void inheritance::note(const process_event& event) {
  auto there = found_.find(event.id);
  if (there == found_.end())
    return;
  auto& found = there->second;
  bool runs = event.what == process_event::kind::started;
  found.died = event.what == process_event::kind::gone && (found.running || found.starting);
  found.running = runs;
  found.starting = false;
  if (runs) {
    found.pid = event.pid;
    found.started_at = event.started_at;
  }
  if (runs || event.exit)
    found.exit = event.exit;
}

newcomer inheritance::claim(const spec_ptr& spec) {
  newcomer out{spec, {}, {}};
  if (auto found = found_.extract(spec->id))
    out.found = std::move(found.mapped());
  if (auto record = records_.extract(spec->id))
    out.record = std::move(record.mapped());
  return out;
}

std::vector<std::string> inheritance::take_lost() {
  std::vector<std::string> out;
  for (const auto& [id, record] : std::exchange(records_, {}))
    if (!found_.contains(id))
      out.push_back(id);
  return out;
}

std::vector<newcomer> inheritance::take_unwanted() {
  std::vector<newcomer> out;
  for (auto& [id, found] : std::exchange(found_, {})) {
    auto known = leaving_.find(id);
    messages::instance_spec nameless;
    nameless.id = id;
    out.push_back(
      {to_be_gone(known == leaving_.end() ? nameless : *known->second), std::move(found), {}});
  }
  return out;
}

spec_ptr to_be_gone(const messages::instance_spec& last) {
  auto out = std::make_shared<messages::instance_spec>(last);
  out->goal = messages::instance_goal::stop;
  return out;
}

spec_ptr to_go_on(const messages::instance_spec& last) {
  auto out = std::make_shared<messages::instance_spec>(last);
  out->goal = messages::instance_goal::run;
  return out;
}

bool may_serve_yet(const newcomer& who) {
  // What is not even known by name cannot be run.
  bool is_known = !who.spec->app.name.empty();
  return is_known && who.found && who.found->running
         && who.spec->goal == messages::instance_goal::stop;
}

} // namespace deployminator::agent
