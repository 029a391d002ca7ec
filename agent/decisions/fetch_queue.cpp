#include "agent/decisions/fetch_queue.hpp"

#include "messages/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace deployminator::agent {

namespace {

/// FNV-1a.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

} // namespace

std::string fetch_key(const messages::instance_spec& spec) {
  if (!spec.app.sha256.empty())
    return spec.app.sha256;
  auto text = fmt::format("{}\n{}", spec.version, spec.app.download_url);
  return fmt::format("v{}-{:016x}{:016x}", spec.version, hash_of(text, 14695981039346656037U),
                     hash_of(text, 1099511628211U));
}

bool fetch_queue::transfer::is_critical() const {
  return std::ranges::any_of(waiters, [](const auto& each) { return each.second->app.critical; });
}

fetch_queue::step fetch_queue::want(const spec_ptr& spec) {
  auto key = fetch_key(*spec);
  auto [at, is_new] = transfers_.try_emplace(key);
  auto& fetch = at->second;
  fetch.waiters[spec->id] = spec;
  const auto& app = spec->app;
  if (is_new) {
    fetch.order = {key,        app.download_url,  app.download_user, app.download_password,
                   app.sha256, app.download_token};
    fetch.host = messages::host_of(app.download_url);
    line_.push_back(key);
  }
  return start_next();
}

fetch_queue::step fetch_queue::unwant(const std::string& instance) {
  step out;
  for (auto at = transfers_.begin(); at != transfers_.end();) {
    auto& [key, fetch] = *at;
    bool abandoned = fetch.waiters.erase(instance) > 0 && fetch.waiters.empty();
    if (abandoned && !fetch.running) {
      std::erase(line_, key);
      at = transfers_.erase(at);
      continue;
    }
    if (abandoned && !fetch.cancelled) {
      fetch.cancelled = true;
      out.cancel.push_back(key);
    }
    ++at;
  }
  return out;
}

fetch_queue::step fetch_queue::set_speed(const std::string& key, transfer_speed speed) {
  auto at = transfers_.find(key);
  if (at == transfers_.end() || !at->second.running || at->second.speed == speed)
    return {};
  slow_ -= at->second.speed == transfer_speed::brisk ? 0 : 1;
  slow_ += speed == transfer_speed::brisk ? 0 : 1;
  at->second.speed = speed;
  return start_next();
}

fetch_queue::step fetch_queue::finish(const std::string& key) {
  auto at = transfers_.find(key);
  if (at == transfers_.end() || !at->second.running)
    return {};
  auto& fetch = at->second;
  --running_;
  slow_ -= fetch.speed == transfer_speed::brisk ? 0 : 1;
  if (fetch.cancelled && !fetch.waiters.empty()) {
    fetch.running = fetch.cancelled = false;
    fetch.speed = transfer_speed::brisk;
    line_.push_back(key);
  } else {
    transfers_.erase(at);
  }
  return start_next();
}

std::vector<spec_ptr> fetch_queue::waiting_for(const std::string& key) const {
  std::vector<spec_ptr> out;
  auto at = transfers_.find(key);
  if (at != transfers_.end() && at->second.running && !at->second.cancelled)
    for (const auto& [id, spec] : at->second.waiters)
      out.push_back(spec);
  return out;
}

std::vector<std::string> fetch_queue::running() const {
  std::vector<std::string> out;
  for (const auto& [key, fetch] : transfers_)
    if (fetch.running && !fetch.cancelled)
      out.push_back(key);
  return out;
}

std::vector<spec_ptr> fetch_queue::in_line() const {
  std::vector<spec_ptr> out;
  for (const auto& key : line_)
    for (const auto& [id, spec] : transfers_.at(key).waiters)
      out.push_back(spec);
  return out;
}

std::string fetch_queue::queue_text() const {
  std::map<std::uint64_t, std::string> names;
  for (const auto& [key, fetch] : transfers_) {
    if (!fetch.running || fetch.speed != transfer_speed::brisk)
      continue;
    auto name = messages::file_name_of(fetch.order.url);
    names[fetch.turn] = fetch.host.empty() ? name : fmt::format("{} of {}", name, fetch.host);
  }
  std::string out;
  for (const auto& [turn, name] : names)
    out += (out.empty() ? "queued behind " : ", ") + name;
  return out.empty() ? "queued" : out;
}

fetch_queue::step fetch_queue::start_next() {
  step out;
  while (running_ - slow_ < most_at_once && running_ < most_in_all && !line_.empty()) {
    auto at = next_in_line();
    auto& fetch = transfers_.at(*at);
    line_.erase(at);
    fetch.running = true;
    fetch.turn = ++turns_;
    ++running_;
    out.start.push_back(fetch.order);
  }
  bool is_full_of_slow = running_ == most_in_all && running_ - slow_ < most_at_once;
  if (is_full_of_slow && !line_.empty())
    make_room(out);
  return out;
}

/// Sends a dripping one back to the end of the line, unless one is on its way there already.
void fetch_queue::make_room(step& out) {
  transfer* longest = nullptr;
  for (auto& [key, fetch] : transfers_) {
    if (fetch.cancelled)
      return;
    if (fetch.speed == transfer_speed::dripping && (!longest || fetch.turn < longest->turn))
      longest = &fetch;
  }
  if (!longest)
    return;
  longest->cancelled = true;
  out.cancel.push_back(longest->order.key);
}

std::deque<std::string>::iterator fetch_queue::next_in_line() {
  std::map<std::string, std::size_t> running_from;
  for (const auto& [key, fetch] : transfers_)
    running_from[fetch.host] += fetch.running ? 1 : 0;
  auto rank = [&](const std::string& key) {
    const auto& fetch = transfers_.at(key);
    return std::pair{!fetch.is_critical(), running_from[fetch.host]};
  };
  return std::min_element(line_.begin(), line_.end(),
                          [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

} // namespace deployminator::agent
