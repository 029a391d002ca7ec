#include "test/bench/swarm/rollout_watch.hpp"

#include <algorithm>
#include <variant>

namespace deployminator::bench {

using namespace messages;

rollout_watch::rollout_watch(const std::string& server, cli::interruption& stop,
                             bus::time_point until)
  : client_({{server}, {}}, stop), until_(until) {
  auto status = client_.ask<table>(query{}, timeout());
  client_.follow(status.seq);
}

void rollout_watch::begin() {
  under_way_.clear();
  versions_.clear();
  ready_.clear();
  succeeded_ = 0;
}

void rollout_watch::submit(const submit_build& order) {
  expect(client_.ask<accepted>(order, timeout()));
}

void rollout_watch::undeploy(const messages::undeploy& order) {
  expect(client_.ask<accepted>(order, timeout()));
}

void rollout_watch::expect(const accepted& order) {
  for (const auto& each : order.versions) {
    under_way_[each.group] = each.version;
    versions_.insert(each.version);
  }
}

bool rollout_watch::wait_for_ready(std::uint64_t instances) {
  while (ready_.size() < instances)
    if (!take_event())
      return false;
  return true;
}

bool rollout_watch::wait_for_end() {
  while (!under_way_.empty())
    if (!take_event())
      return false;
  return true;
}

std::uint64_t rollout_watch::ready() const {
  return ready_.size();
}

std::uint64_t rollout_watch::succeeded() const {
  return succeeded_;
}

cli::client& rollout_watch::client() {
  return client_;
}

cli::client::clock::duration rollout_watch::timeout() const {
  using std::chrono::seconds;
  auto left = until_ - cli::client::clock::now();
  return std::max<cli::client::clock::duration>(left, seconds{1});
}

/// False where there will be no more.
bool rollout_watch::take_event() {
  auto next = client_.next_event(until_);
  if (!next)
    return cli::client::clock::now() < until_ && !client_.is_interrupted();
  if (const auto* change = std::get_if<instance_change>(&next->what)) {
    if (change->to == instance_state::ready && versions_.contains(next->version))
      ready_.insert(change->id);
    return true;
  }
  const auto* end = std::get_if<rollout_finished>(&next->what);
  auto ordered = under_way_.find(next->group);
  if (end == nullptr || ordered == under_way_.end() || ordered->second != next->version)
    return true;
  under_way_.erase(ordered);
  succeeded_ += end->outcome == rollout_outcome::succeeded ? 1 : 0;
  return end->outcome == rollout_outcome::succeeded;
}

} // namespace deployminator::bench
