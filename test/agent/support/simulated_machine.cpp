#include "support/simulated_machine.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

simulated_machine::simulated_machine(std::function<messages::timestamp()> now,
                                     std::int64_t first_number)
  : now_(std::move(now)), next_number_(first_number) {}

outside simulated_machine::world() {
  auto random = [this] {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<double>(random_ >> 11) / 9007199254740992.0;
  };
  outside out{this, this, this, this, this, this, this, this, {now_, random}};
  out.health = this;
  return out;
}

void simulated_machine::attach(launcher::on_event events) {
  events_ = std::move(events);
}

void simulated_machine::forget_agent() {
  events_ = nullptr;
  told_applications_.reset();
  last_rules_.reset();
  pending.clear();
  transfers.clear();
  for (auto& [id, each] : instances)
    each.has_grant = each.starting || each.running || each.exit;
}

bool simulated_machine::answer_one() {
  if (pending.empty())
    return false;
  auto answer = std::move(pending.front());
  pending.pop_front();
  answer();
  return true;
}

void simulated_machine::tell(process_event event) {
  pending.emplace_back([this, event = std::move(event)] {
    if (events_)
      events_(event);
  });
}

// -- downloads ------------------------------------------------------------------------------------

result<artifact> simulated_machine::content_of(const download_order& order) const {
  auto content = web.find(order.url);
  if (content == web.end())
    return failure{failure_code::not_found, order.url + ": not found", {}};
  if (!order.sha256.empty() && order.sha256 != content->second.sha256)
    return failure{failure_code::mismatch, order.url + ": has another hash than wanted", {}};
  return content->second;
}

void simulated_machine::start(const download_order& order, on_progress progress, on_done done) {
  fetched_urls.push_back(order.url);
  transfers[order.key] = {order, std::move(progress), std::move(done)};
  if (!hold_downloads)
    pending.emplace_back([this, key = order.key] { finish(key); });
}

void simulated_machine::finish(const std::string& key) {
  if (auto transfer = transfers.extract(key))
    transfer.mapped().done(content_of(transfer.mapped().order));
}

void simulated_machine::cancel(const std::string& key) {
  pending.emplace_back([this, key] {
    if (auto transfer = transfers.extract(key))
      transfer.mapped().done(failure{failure_code::refused, "cancelled", {}});
  });
}

void simulated_machine::keep_partial(std::set<std::string> keys) {
  kept_partial = std::move(keys);
}

// -- instances ------------------------------------------------------------------------------------

result<std::vector<found_instance>> simulated_machine::recover() {
  std::vector<found_instance> out;
  for (const auto& [id, each] : instances)
    out.push_back({.id = id,
                   .granted = each.has_grant ? each.granted : grant{},
                   .running = each.running,
                   .pid = each.running ? each.pid : 0,
                   .started_at = each.started_at,
                   .exit = each.exit,
                   .interruption = {},
                   .starting = each.starting,
                   .said = each.said});
  return out;
}

result<grant> simulated_machine::reserve(const std::string& id, std::uint32_t ports,
                                         bool own_user) {
  auto& each = instances[id];
  if (each.has_grant) {
    auto out = each.granted;
    for (auto port : out.ports)
      if (taken_ports.contains(port) && !each.running)
        out.taken = port;
    return out;
  }
  each.has_grant = true;
  each.granted = {own_user ? next_number_++ : 0, {}};
  for (std::uint32_t i = 0; i < ports; ++i)
    each.granted.ports.push_back(static_cast<std::uint16_t>(next_number_++));
  return each.granted;
}

void simulated_machine::unpack(const unpack_order& order, on_unpacked done) {
  auto& each = instances[order.id];
  bool possible = each.laid_out || !order.artifact_path.empty();
  each.laid_out = possible;
  pending.emplace_back([possible, done = std::move(done)] {
    done(possible ? result<void>{} : failure{failure_code::not_found, "no artifact", {}});
  });
}

void simulated_machine::launch(const launch_order& order) {
  auto& each = instances[order.id];
  each.last_launch = order;
  each.starting = false;
  process_event event{order.id, process_event::kind::not_started, 0, {}, {}, "no directory"};
  if (each.laid_out && each.has_grant && !each.running) {
    each.running = true;
    each.pid = order.published.application.empty() ? next_number_++ : 0;
    each.started_at = now_();
    each.exit.reset();
    each.said = {};
    ++each.launches;
    event = {order.id, process_event::kind::started, each.pid, each.started_at, {}, {}};
  }
  tell(std::move(event));
}

void simulated_machine::end_program(const std::string& id, int exit) {
  auto& each = instances[id];
  if (!each.running)
    return;
  each.running = false;
  each.exit = exit;
  tell({id, process_event::kind::exited, each.pid, each.started_at, exit, {}});
}

void simulated_machine::stop(const std::string& id, const messages::stop_rules& how) {
  deeds.push_back(id + " is signalled");
  if (std::find(deaf.begin(), deaf.end(), id) == deaf.end())
    end_program(id, 128 + how.signal);
}

void simulated_machine::kill_all(const std::string& id) {
  auto& each = instances[id];
  if (each.running) {
    each.exit.reset();
    tell({id, process_event::kind::exited, each.pid, each.started_at, {}, {}});
  }
  each.starting = each.running = each.has_grant = false;
  tell({id, process_event::kind::gone, 0, {}, {}, {}});
}

void simulated_machine::remove(const messages::kept_log& last, on_removed done) {
  instances.erase(last.instance);
  removed[last.instance] = last;
  pending.emplace_back([done = std::move(done)] { done({}); });
}

// -- health ---------------------------------------------------------------------------------------

void simulated_machine::check(const health_order& order, on_checked done) {
  checks.push_back(order);
  if (hanging_checks.contains(order.id))
    return;
  auto found = health.find(order.id);
  auto seen = found == health.end() ? health_outcome{true, "it is well"} : found->second;
  pending.emplace_back([done = std::move(done), seen] { done(seen); });
}

void simulated_machine::tell_notice(const std::string& id, notice said) {
  auto& each = instances[id];
  each.said = said;
  process_event event;
  event.id = id;
  event.what = process_event::kind::told;
  event.said = std::move(said);
  tell(std::move(event));
}

// -- output ---------------------------------------------------------------------------------------

result<log_piece> simulated_machine::read(const std::string& id, std::uint64_t offset,
                                          std::size_t limit) {
  auto text = output.find(id);
  if (text == output.end())
    return failure{failure_code::not_found, "no instance " + id + " is here", {}};
  auto begin = std::min<std::size_t>(offset, text->second.size());
  auto data = text->second.substr(begin, limit);
  bool more = begin + data.size() < text->second.size();
  log_piece out{begin, std::move(data), more, {}};
  if (auto end = removed.find(id); end != removed.end())
    out.gone = end->second;
  return out;
}

/// The output here has no times: all of it is new enough.
result<std::uint64_t> simulated_machine::offset_since(const std::string&, messages::timestamp) {
  return 0U;
}

result<kept_logs> simulated_machine::find(const messages::find_logs& wanted) {
  kept_logs out;
  for (const auto& [id, last] : removed)
    if (id == wanted.instance
        || (last.namespace_ == wanted.namespace_ && last.group == wanted.group))
      out.list.push_back(last);
  return out;
}

std::vector<usage_sample>
simulated_machine::sample(const std::map<std::string, std::int64_t>& programs) {
  std::vector<usage_sample> out;
  for (const auto& [id, pid] : programs)
    if (auto found = usage.find(id); found != usage.end()) {
      out.push_back(found->second);
      out.back().id = id;
      out.back().pid = pid;
    }
  return out;
}

result<std::uint64_t> simulated_machine::offset_of_last_lines(const std::string& id,
                                                              std::uint32_t lines) {
  auto text = output.find(id);
  if (text == output.end())
    return failure{failure_code::not_found, "no instance " + id + " is here", {}};
  auto at = text->second.size();
  for (std::uint32_t i = 0; i <= lines && at != 0; ++i) {
    auto end = text->second.rfind('\n', at - 1);
    if (end == std::string::npos)
      return 0U;
    at = end;
  }
  return at == 0 ? 0U : at + 1;
}

// -- journal --------------------------------------------------------------------------------------

namespace {

result<void> written(bool possible) {
  return possible ? result<void>{} : failure{failure_code::internal, "the disk is full", {}};
}

} // namespace

result<agent_record> simulated_machine::load_agent() {
  return saved;
}

result<std::vector<instance_record>> simulated_machine::load_instances() {
  std::vector<instance_record> out;
  for (const auto& [id, record] : records)
    out.push_back(record);
  return out;
}

result<void> simulated_machine::save_agent(const agent_record& record) {
  if (!disk_is_full)
    saved = record;
  return written(!disk_is_full);
}

result<void> simulated_machine::save_instance(const instance_record& record) {
  if (!disk_is_full)
    records[record.id] = record;
  return written(!disk_is_full);
}

result<void> simulated_machine::remove_instance(const std::string& id) {
  records.erase(id);
  return {};
}

std::vector<messages::machine_trouble> simulated_machine::look() {
  if (disk_is_full)
    return {{"the disk is full", {}, "make room"}};
  return {};
}

// -- public ports ---------------------------------------------------------------------------------

namespace {

bool are_same(const result<port_settings::entries>& a, const result<port_settings::entries>& b) {
  if (!a || !b)
    return !a && !b && a.error().message == b.error().message;
  return *a == *b;
}

} // namespace

std::optional<result<port_settings::entries>> simulated_machine::news() {
  if (told_applications_ && are_same(*told_applications_, applications))
    return std::nullopt;
  told_applications_ = applications;
  return applications;
}

result<packet_filter::outcome> simulated_machine::lead(const port_map& wanted) {
  if (!no_filter.empty())
    return failure{failure_code::unsupported, no_filter, {}};
  bool touched = last_rules_ && rules != *last_rules_;
  last_rules_ = wanted;
  if (rules == wanted)
    return outcome::unchanged;
  for (const auto& [from, to] : wanted)
    if (!rules.contains(from) || rules[from] != to)
      deeds.push_back(std::to_string(from) + " to " + std::to_string(to));
  for (const auto& [from, to] : rules)
    if (!wanted.contains(from))
      deeds.push_back(std::to_string(from) + " to none");
  rules = wanted;
  return touched ? outcome::put_back : outcome::switched;
}

} // namespace deployminator::agent
