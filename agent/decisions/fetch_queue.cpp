#include "agent/decisions/fetch_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

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

fetch_queue::step fetch_queue::want(const spec_ptr& spec) {
  auto key = fetch_key(*spec);
  auto [at, is_new] = transfers_.try_emplace(key);
  auto& fetch = at->second;
  fetch.waiters[spec->id] = spec;
  const auto& app = spec->app;
  if (is_new) {
    fetch.order = {key, app.download_url, app.download_user, app.download_password, app.sha256};
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

fetch_queue::step fetch_queue::finish(const std::string& key) {
  auto at = transfers_.find(key);
  if (at == transfers_.end() || !at->second.running)
    return {};
  --running_;
  auto& fetch = at->second;
  if (fetch.cancelled && !fetch.waiters.empty()) {
    fetch.running = fetch.cancelled = false;
    line_.push_front(key);
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

fetch_queue::step fetch_queue::start_next() {
  step out;
  while (running_ < most_at_once && !line_.empty()) {
    auto& fetch = transfers_.at(line_.front());
    line_.pop_front();
    fetch.running = true;
    ++running_;
    out.start.push_back(fetch.order);
  }
  return out;
}

} // namespace deployminator::agent
