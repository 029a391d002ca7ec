#include "actors/event_log.hpp"

#include "actors/common/logging.hpp"

namespace deployminator::actors {

using namespace messages;
namespace log = common::log;

namespace {

std::string group_of(const event& e) {
  return e.namespace_ + "/" + e.group;
}

void log_content(const event& e, const rollout_step& step) {
  if (step.by.empty())
    return log::info("rollout took step", {{"group", group_of(e)},
                                           {"version", e.version},
                                           {"phase", step.phase},
                                           {"reason", step.reason}});
  log::info(
    "rollout was ordered",
    {{"group", group_of(e)}, {"version", e.version}, {"by", step.by}, {"reason", step.reason}});
}

void log_content(const event& e, const rollout_finished& end) {
  log::info("rollout ended", {{"group", group_of(e)},
                              {"version", e.version},
                              {"outcome", end.outcome},
                              {"reason", end.reason}});
}

void log_content(const event& e, const instance_change& change) {
  if (change.to == instance_state::failed)
    log::info("instance failed", {{"group", group_of(e)},
                                  {"version", e.version},
                                  {"id", change.id},
                                  {"machine", change.machine},
                                  {"reason", change.reason}});
}

void log_content(const event&, const key_change& change) {
  log::info("key changed", {{"key", change.key},
                            {"role", to_text(change.role)},
                            {"to", to_text(change.to)},
                            {"by", change.by}});
}

template <class Content>
void log_content(const event&, const Content&) {}

} // namespace

void log_stored(const change& c) {
  for (const auto& each : c.events)
    std::visit([&](const auto& what) { log_content(each, what); }, each.what);
}

} // namespace deployminator::actors
