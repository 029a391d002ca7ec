#include "simulation/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>

namespace deployminator::simulation {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

/// What was written within this time before a loss of power may not be on the disk.
constexpr moment unsynced = 5s;

/// What the program is told of itself: `--NAME=VALUE` among its arguments.
std::string argument(const std::vector<std::string>& args, std::string_view name) {
  auto prefix = fmt::format("--{}=", name);
  for (const auto& each : args)
    if (each.starts_with(prefix))
      return each.substr(prefix.size());
  return {};
}

nature nature_of(const std::vector<std::string>& args) {
  auto name = argument(args, "behave");
  auto found = std::find(nature_names.begin(), nature_names.end(), name);
  return found == nature_names.end() ? nature::good
                                     : static_cast<nature>(found - nature_names.begin());
}

health_nature health_of(const std::vector<std::string>& args) {
  auto found = std::find(health_names.begin(), health_names.end(), argument(args, "health"));
  return found == health_names.end() ? health_nature::unchecked
                                     : static_cast<health_nature>(found - health_names.begin());
}

moment min_ready_of(const std::vector<std::string>& args) {
  auto text = argument(args, "min-ready");
  int ms = 0;
  std::from_chars(text.data(), text.data() + text.size(), ms);
  return std::chrono::milliseconds{ms};
}

/// Nothing goes wrong any more from then on.
constexpr moment all_good_from = 300s;

/// Stands for the hash of what is at the URL.
std::string sha256_of(const std::string& url, bool wrong) {
  dice from{wrong ? 1U : 0U, url};
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", from.next(), from.next(), from.next(),
                     from.next());
}

} // namespace

bool was_ready(const program& p, moment now) {
  return p.proved_itself || (p.running && now - p.started >= p.min_ready);
}

machine::machine(std::string name, timeline& clock, trace& record, std::uint64_t seed,
                 const artifact_server& artifacts, programs& all)
  : simulated_machine([this] { return utc_at(clock_.now(), clock_error); }), name_(std::move(name)),
    clock_(clock), record_(record), dice_(seed, name_), artifacts_(artifacts), all_(all) {
  hold_downloads = true;
}

// -- the agent ------------------------------------------------------------------------------------

void machine::agent_begins() {
  ++agent_;
  has_agent_ = true;
  recovered_ = false;
}

void machine::agent_ends() {
  has_agent_ = false;
  forget_agent();
}

bool machine::is_this_agent(std::uint64_t agent) const {
  return has_agent_ && agent == agent_;
}

void machine::send_answers() {
  if (!recovered_)
    pending.clear();
  for (auto& each : std::exchange(pending, {})) {
    last_answer_ = std::max(last_answer_, clock_.now() + dice_.between(100us, 8ms));
    clock_.at(last_answer_, [this, agent = agent_, answer = std::move(each)] {
      if (!is_this_agent(agent))
        return;
      answer();
      on_answer();
    });
  }
}

result<std::vector<agent::found_instance>> machine::recover() {
  recovered_ = true;
  return simulated_machine::recover();
}

// -- downloads ------------------------------------------------------------------------------------

bool machine::is_cached(const agent::download_order& order) const {
  return !order.sha256.empty() && cache_.contains(order.sha256);
}

void machine::start(const agent::download_order& order, on_progress progress, on_done done) {
  auto number = ++downloads_;
  transfer_numbers_[order.key] = number;
  transfers[order.key] = {order, std::move(progress), std::move(done)};
  using trouble = artifact_server::trouble;
  auto takes = dice_.between(10ms, 6s);
  if (is_cached(order))
    takes = 1ms;
  else if (artifacts_.what == trouble::slow)
    takes *= 6;
  bool broken = artifacts_.what == trouble::breaks_off;
  bool wrong = artifacts_.what == trouble::wrong_bytes && dice_.chance(0.5);
  clock_.after(takes / 2, [this, key = order.key, number, agent = agent_] {
    auto found = transfers.find(key);
    if (!is_this_agent(agent) || transfer_numbers_[key] != number || found == transfers.end())
      return;
    if (!is_cached(found->second.order))
      found->second.progress({500, 1000, 250});
    on_answer();
  });
  clock_.after(takes, [this, key = order.key, number, broken, wrong, agent = agent_] {
    if (is_this_agent(agent))
      finish_download(key, number, broken, wrong);
  });
}

void machine::finish_download(const std::string& key, std::uint64_t number, bool broken,
                              bool wrong) {
  if (transfer_numbers_[key] != number || !transfers.contains(key))
    return;
  auto transfer = std::move(transfers.extract(key).mapped());
  const auto& order = transfer.order;
  auto sha256 = sha256_of(order.url, wrong);
  if (wrong)
    artifacts_.tainted.insert(order.url);
  bool cached = is_cached(order);
  if (cached)
    sha256 = order.sha256;
  if (order.url.find("missing") != std::string::npos)
    transfer.done(failure{failure_code::not_found, order.url + ": 404", ""});
  else if (broken && !cached)
    transfer.done(failure{failure_code::unreachable, order.url + ": broke off", ""});
  else if (!order.sha256.empty() && order.sha256 != sha256)
    transfer.done(failure{failure_code::mismatch, order.url + ": other bytes", ""});
  else {
    cache_.insert(sha256);
    transfer.done(agent::artifact{sha256, 1000, "/cache/" + sha256, cached});
  }
  on_answer();
}

// -- programs -------------------------------------------------------------------------------------

void machine::unpack(const agent::unpack_order& order, on_unpacked done) {
  if (!disk_is_full || instances[order.id].laid_out)
    return simulated_machine::unpack(order, std::move(done));
  pending.emplace_back([done = std::move(done)] {
    done(failure{failure_code::internal, "the disk is full", ""});
  });
}

void machine::launch(const agent::launch_order& order) {
  on_launch(order.id);
  auto& p = all_[order.id];
  p.machine = name_;
  p.behaves = nature_of(order.args);
  p.min_ready = min_ready_of(order.args);
  p.health = health_of(order.args);
  if (p.behaves != nature::slow)
    return run(order);
  instances[order.id].starting = true;
  auto number = ++last_start_;
  starting_[order.id] = number;
  clock_.after(dice_.between(1s, 5s), [this, order, number] {
    auto found = starting_.find(order.id);
    if (found == starting_.end() || found->second != number)
      return;
    starting_.erase(found);
    run(order);
    send_answers();
  });
}

void machine::run(const agent::launch_order& order) {
  simulated_machine::launch(order);
  const auto& now = instances[order.id];
  if (!now.running)
    return;
  auto& p = all_[order.id];
  p.running = true;
  p.started = clock_.now();
  p.pid = now.pid;
  ++p.launches;
  p.bad_checks = 0;
  record_.tell(name_, fmt::format("program {} starts, pid {}", order.id, now.pid));
  behave(order.id, p.launches);
}

/// What becomes of the program by itself.
void machine::behave(const std::string& id, int launches) {
  auto& p = all_[id];
  std::optional<std::pair<moment, int>> ends;
  if (p.behaves == nature::broken)
    ends = {dice_.between(1ms, 50ms), 1};
  else if (p.behaves == nature::short_lived)
    ends = {dice_.between(p.min_ready / 4, p.min_ready * 3 / 4), 3};
  else if (p.behaves == nature::crashes)
    ends = {p.min_ready + dice_.between(10s, 60s), 139};
  else if (p.behaves == nature::job)
    ends = {dice_.between(500ms, 8s), 0};
  if (!ends)
    return;
  clock_.after(ends->first, [this, id, launches, exit = ends->second] {
    auto found = all_.find(id);
    if (found != all_.end() && found->second.running && found->second.launches == launches)
      end(id, exit);
  });
}

/// The program is no more, whoever ended it.
void machine::end(const std::string& id, int exit) {
  auto& p = all_[id];
  if (p.running) {
    p.proved_itself = was_ready(p, clock_.now()) || exit == 0;
    p.running = false;
    // What is restarted because it is unhealthy does not exit by itself, whatever comes first.
    p.last_exit = is_known_bad(p) ? std::nullopt : std::optional{exit};
    record_.tell(name_, fmt::format("program {} ends with {}", id, exit));
  }
  end_program(id, exit);
  send_answers();
}

void machine::stop(const std::string& id, const messages::stop_rules& how) {
  on_end(id);
  auto found = all_.find(id);
  bool is_deaf = found != all_.end() && found->second.behaves == nature::deaf;
  if (found == all_.end() || (is_deaf && how.signal != SIGKILL))
    return;
  clock_.after(dice_.between(1ms, 1500ms),
               [this, id, number = how.signal, launches = found->second.launches] {
                 const auto& p = all_.at(id);
                 if (p.running && p.launches == launches)
                   end(id, 128 + number);
               });
}

/// By the clock and the instance alone, so that all who look see the same; at the end all are good.
bool machine::is_bad(const std::string& id) {
  dice d{1, id};
  auto period = d.between(25s, 90s);
  auto bad = d.between(2s, 12s);
  auto from = d.between(0s, 60s);
  return clock_.now() < all_good_from && (clock_.now() + from) % period < bad;
}

void machine::check(const agent::health_order& order, on_checked done) {
  const auto& p = all_[order.id];
  bool bad = is_bad(order.id);
  bool hangs = bad && p.health == health_nature::hangs;
  auto takes = hangs ? moment{order.timeout} : dice_.between(1ms, 20ms);
  clock_.after(takes, [this, id = order.id, bad, launches = p.launches, agent = agent_,
                       done = std::move(done)] {
    if (!is_this_agent(agent))
      return;
    auto& checked = all_[id];
    if (checked.launches == launches)
      checked.bad_checks = bad ? checked.bad_checks + 1 : 0;
    done({!bad, bad ? "is not well" : "is well"});
    on_answer();
  });
}

void machine::kill_all(const std::string& id) {
  on_end(id);
  starting_.erase(id);
  if (auto found = all_.find(id); found != all_.end() && found->second.running) {
    found->second.proved_itself = was_ready(found->second, clock_.now());
    found->second.running = false;
    found->second.last_exit.reset();
    record_.tell(name_, fmt::format("program {} is killed", id));
  }
  simulated_machine::kill_all(id);
}

/// Empty where none runs.
std::string machine::some_running(std::uint64_t pick) const {
  std::vector<std::string> running;
  for (const auto& [id, each] : instances)
    if (each.running)
      running.push_back(id);
  return running.empty() ? "" : running[pick % running.size()];
}

void machine::end_some_program(std::uint64_t pick, int exit) {
  if (auto id = some_running(pick); !id.empty())
    end(id, exit);
}

void machine::take_some_port(std::uint64_t pick) {
  auto id = some_running(pick);
  if (id.empty())
    return;
  end(id, 1);
  for (auto port : instances[id].granted.ports)
    taken_ports.insert(port);
}

// -- the disk -------------------------------------------------------------------------------------

result<void> machine::save_agent(const agent::agent_record& record) {
  auto before = saved;
  auto written = simulated_machine::save_agent(record);
  if (written)
    on_save(before, record);
  return written;
}

result<void> machine::save_instance(const agent::instance_record& record) {
  auto known = records.find(record.id);
  auto before
    = known == records.end() ? std::nullopt : std::optional<agent::instance_record>{known->second};
  auto written = simulated_machine::save_instance(record);
  if (written)
    overwritten_[record.id] = {clock_.now(), before};
  return written;
}

void machine::reboot() {
  record_.tell(name_, "reboots");
  starting_.clear();
  for (auto& [id, each] : instances) {
    each.starting = each.running = false;
    each.has_grant = false;
    each.exit.reset();
  }
  for (auto& [id, each] : all_)
    if (each.machine == name_) {
      each.proved_itself = was_ready(each, clock_.now());
      each.running = false;
      each.last_exit.reset();
      each.memory_lost = true;
    }
  for (const auto& [id, before] : overwritten_) {
    if (clock_.now() - before.first > unsynced || !records.contains(id) || dice_.chance(0.5))
      continue;
    if (before.second)
      records[id] = *before.second;
    else
      records.erase(id);
  }
  overwritten_.clear();
}

} // namespace deployminator::simulation
