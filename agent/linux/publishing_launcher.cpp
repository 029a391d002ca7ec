#include "agent/linux/publishing_launcher.hpp"

#include <utility>

namespace deployminator::agent {

using messages::result;

publishing_launcher::publishing_launcher(launcher& programs, const directories& where,
                                         std::string root, on_event events)
  : programs_(programs), events_(std::move(events)), published_(where, std::move(root)) {}

result<std::vector<found_instance>> publishing_launcher::recover() {
  auto found = programs_.recover();
  if (!found)
    return found;
  loop_.call([&] {
    published_.clean_up();
    for (auto& each : *found)
      published_.complete(each);
    return true;
  });
  return found;
}

result<grant> publishing_launcher::reserve(const std::string& id, std::uint32_t ports,
                                           bool own_user) {
  return programs_.reserve(id, ports, own_user);
}

void publishing_launcher::unpack(const unpack_order& order, on_unpacked done) {
  if (order.published.application.empty())
    return programs_.unpack(order, std::move(done));
  note(order.id);
  loop_.post([this, order, done = std::move(done)] {
    published_.reuse(order.id, order.published);
    programs_.unpack(order, done);
  });
}

void publishing_launcher::launch(const launch_order& order) {
  if (order.published.application.empty())
    return programs_.launch(order);
  note(order.id);
  loop_.post([this, order] { publish_now(order); });
}

void publishing_launcher::publish_now(const launch_order& order) {
  process_event event;
  event.id = order.id;
  if (auto since = published_.publish(order.id, order.published)) {
    event.what = process_event::kind::started;
    event.started_at = *since;
  } else {
    const auto& why = since.error();
    event.what = process_event::kind::not_started;
    event.problem = why.hint.empty() ? why.message : why.message + "; " + why.hint;
  }
  events_(std::move(event));
}

void publishing_launcher::stop(const std::string& id, const messages::stop_rules& rules) {
  programs_.stop(id, rules);
}

/// From now on what is ordered for it waits for what was ordered before.
void publishing_launcher::note(const std::string& id) {
  std::lock_guard lock{mutex_};
  ids_.insert(id);
}

bool publishing_launcher::is_published(const std::string& id) {
  std::lock_guard lock{mutex_};
  return ids_.contains(id) || published_.has(id);
}

void publishing_launcher::kill_all(const std::string& id) {
  if (!is_published(id))
    return programs_.kill_all(id);
  loop_.post([this, id] {
    published_.withdraw(id);
    programs_.kill_all(id);
  });
}

void publishing_launcher::remove(const messages::kept_log& last, on_removed done) {
  if (!is_published(last.instance))
    return programs_.remove(last, std::move(done));
  loop_.post([this, last, done = std::move(done)] {
    published_.withdraw(last.instance);
    {
      std::lock_guard lock{mutex_};
      ids_.erase(last.instance);
    }
    programs_.remove(last, done);
  });
}

} // namespace deployminator::agent
