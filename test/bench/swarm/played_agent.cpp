#include "test/bench/swarm/played_agent.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace deployminator::bench {

namespace {

constexpr std::uint16_t first_port = 4100;
constexpr std::int64_t ports_given = 28'000;
constexpr std::uint64_t memory_mb = 64'000;

} // namespace

played_agent::played_agent(std::uint16_t number, tally& all)
  : peer(number), name_(fmt::format("m{:05}", number)), identity_(fmt::format("{:032x}", number)),
    all_(all), held_digest_(agent::digest_of(held_)) {}

void played_agent::expect_welcome() {
  welcome_ = false;
  note();
}

messages::hello played_agent::introduction() {
  introduced_ = true;
  note();
  messages::hello out;
  out.role = messages::peer_role::agent;
  out.software = DEPLOYMINATOR_VERSION;
  out.epoch = epoch();
  out.agent = {.name = name_,
               .identity = identity_,
               .incarnation = identity_,
               .groups = {"worker"},
               .memory_mb = memory_mb,
               .generation = held_.generation,
               .assignment_digest = held_digest_,
               .observation_digest = ledger_.digest()};
  return out;
}

void played_agent::session_opened(time_point, const messages::welcome& answer) {
  ledger_.restart(answer.report_wanted);
  welcome_ = fits_ = true;
}

void played_agent::session_lost() {
  welcome_ = false;
  all_.session_lost();
  note();
}

void played_agent::take(time_point now, const messages::envelope& e) {
  if (const auto* part = std::get_if<messages::assignment>(&e.body))
    take_assignment(now, *part);
  else if (const auto* done = std::get_if<messages::reported>(&e.body))
    ledger_.confirm(done->revision);
}

void played_agent::say_what_is_due(time_point now) {
  if (auto news = ledger_.take(now))
    send(now, std::move(*news));
  note();
}

time_point played_agent::next_due() const {
  return ledger_.due().value_or(time_point::max());
}

void played_agent::take_assignment(time_point now, const messages::assignment& part) {
  using kind = agent::assignment_verdict::kind;
  auto verdict = inbox_.take(part, held_);
  fits_ = verdict.what == kind::complete || verdict.what == kind::repeated;
  if (verdict.what == kind::incomplete)
    return;
  if (verdict.what == kind::complete) {
    held_digest_ = part.digest;
    hold(std::move(verdict));
  }
  send(now, messages::assigned{held_.generation, held_digest_});
}

/// Both sets are in the order of their ids, and what has not changed is the same spec in both.
void played_agent::hold(agent::assignment_verdict verdict) {
  auto before = std::exchange(held_, std::move(verdict.next));
  auto was = before.specs.begin();
  auto lose = [this](const std::string& id) {
    ledger_.lose({.id = id, .state = messages::instance_state::stopped, .reason = "gone"});
  };
  for (const auto& [id, spec] : held_.specs) {
    for (; was != before.specs.end() && was->first < id; ++was)
      lose(was->first);
    bool is_known = was != before.specs.end() && was->first == id;
    if (!is_known || was->second->goal != spec->goal)
      ledger_.see(observation_of(*spec));
    if (is_known)
      ++was;
  }
  for (; was != before.specs.end(); ++was)
    lose(was->first);
  for (const auto& id : verdict.removed)
    if (!held_.specs.contains(id))
      lose(id);
}

messages::observation played_agent::observation_of(const messages::instance_spec& spec) {
  messages::observation out;
  out.id = spec.id;
  out.fetched = true;
  out.sha256 = spec.app.sha256;
  if (spec.goal != messages::instance_goal::run)
    return out;
  out.state = messages::instance_state::ready;
  out.pid = ++last_pid_;
  out.uid = last_pid_;
  for (auto n = messages::port_count(spec.app); n > 0; --n)
    out.ports.push_back(static_cast<std::uint16_t>(first_port + (last_pid_ + n) % ports_given));
  out.started_at = messages::system_utc_now();
  out.ready_at = out.started_at;
  return out;
}

void played_agent::note() {
  bool welcome = welcome_ && in_session();
  standing now{introduced_, welcome, welcome && fits_ && !ledger_.due()};
  all_.changed(std::exchange(standing_, now), now);
}

} // namespace deployminator::bench
