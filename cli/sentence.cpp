#include "cli/sentence.hpp"

#include "cli/group_name.hpp"
#include "cli/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::cli {

using namespace messages;

namespace {

constexpr std::size_t bar_width = 16;

/// Columns of a terminal that has room for a bar beside what it stands for.
constexpr std::size_t roomy = 64;

/// `: reason`, or nothing.
std::string because(const std::string& reason) {
  return reason.empty() ? "" : ": " + printable(reason);
}

std::string ending_text(const instance_change& c) {
  auto out = because(c.reason);
  bool ended = c.to == instance_state::failed || c.to == instance_state::stopped;
  if (c.exit && ended && c.reason.empty())
    out += fmt::format(" (exit {})", *c.exit);
  if (c.restarts > 0)
    out += fmt::format(" (restart {})", c.restarts);
  bool has_run = c.exit || !c.output.empty();
  if (c.to == instance_state::failed && has_run)
    out += "; its log: deploy logs " + printable(c.id);
  return out;
}

line sentence(const download_progress& p, const canvas& c) {
  return progress_line(p, c);
}

line sentence(const instance_change& c, const canvas&) {
  bool serves = c.to == instance_state::running || c.to == instance_state::ready;
  return {{printable(c.machine) + "  " + printable(c.id) + "  ", tone::plain},
          {std::string{to_text(c.to)}, tone_of(c.to)},
          {(serves ? ports_text(c.ports) : "") + ending_text(c), tone::plain}};
}

line sentence(const machine_change& c, const canvas&) {
  auto advice = c.to == machine_state::unreachable ? "; `deploy machines` says what to do" : "";
  return {{printable(c.machine) + "  ", tone::plain},
          {"machine " + std::string{to_text(c.to)}, tone_of(c.to)},
          {because(c.reason) + advice, tone::plain}};
}

line sentence(const port_change& c, const canvas&) {
  line out{{fmt::format("{}  port {}  ", printable(c.machine), c.public_port), tone::plain}};
  if (c.to.empty())
    out.push_back({"leads nowhere", tone::warning});
  else
    out.push_back({fmt::format("to {} :{}", printable(c.to), c.port), tone::good});
  out.push_back({because(c.reason), tone::plain});
  return out;
}

line sentence(const port_problem& p, const canvas&) {
  bool is_over = p.reason.empty();
  return {
    {printable(p.machine) + "  ", tone::plain},
    {is_over ? "public ports are right again" : "public ports", is_over ? tone::good : tone::bad},
    {because(p.reason), tone::plain}};
}

line sentence(const trouble_change& t, const canvas&) {
  return {{(t.machine.empty() ? "the server" : printable(t.machine)) + "  ", tone::plain},
          {printable(t.what), t.over ? tone::plain : tone::bad},
          {t.over ? ": that is over" : because(t.hint), t.over ? tone::good : tone::plain}};
}

line sentence(const rollout_step& s, const canvas&) {
  return {{phase_text(s.phase), tone::strong},
          {because(s.reason), tone::plain},
          {s.by.empty() ? "" : ", by " + printable(s.by), tone::dim}};
}

line sentence(const rollout_finished& f, const canvas&) {
  return {{std::string{to_text(f.outcome)}, tone_of(f.outcome)}, {because(f.reason), tone::plain}};
}

line sentence(const key_change& c, const canvas&) {
  bool is_good = c.to == key_state::valid;
  return {{"key " + printable(c.key) + "  ", tone::plain},
          {is_good ? fmt::format("is good, as {}", to_text(c.role)) : "revoked",
           is_good ? tone::good : tone::warning},
          {c.by.empty() ? "" : ", by " + printable(c.by), tone::plain}};
}

line sentence(const other_event& o, const canvas&) {
  auto keys = json::from_msgpack(o.keys).dump(-1, ' ', false, json::error_handler_t::replace);
  return {{printable(o.type), tone::strong}, {"  " + printable(keys), tone::plain}};
}

std::uint64_t quarters_of(const download_progress& p) {
  if (!p.total)
    return 0;
  return *p.total == 0 ? 4 : p.bytes * 4 / *p.total;
}

} // namespace

tone tone_of(instance_state state) {
  switch (state) {
    case instance_state::ready:
      return tone::good;
    case instance_state::failed:
      return tone::bad;
    case instance_state::lost:
      return tone::warning;
    case instance_state::stopping:
    case instance_state::stopped:
    case instance_state::preparing:
      return tone::dim;
    case instance_state::downloading:
    case instance_state::starting:
    case instance_state::running:
      break;
  }
  return tone::busy;
}

tone tone_of(machine_state state) {
  return state == machine_state::ready         ? tone::good
         : state == machine_state::unreachable ? tone::bad
                                               : tone::warning;
}

tone tone_of(server_state state) {
  return state == server_state::unreachable ? tone::bad : tone::good;
}

tone tone_of(rollout_outcome outcome) {
  return outcome == rollout_outcome::succeeded    ? tone::good
         : outcome == rollout_outcome::superseded ? tone::warning
                                                  : tone::bad;
}

tone tone_of(version_state state) {
  switch (state) {
    case version_state::deployed:
      return tone::good;
    case version_state::pending:
      return tone::busy;
    case version_state::failed:
      return tone::bad;
    case version_state::superseded:
    case version_state::retired:
      break;
  }
  return tone::dim;
}

std::string ports_text(const std::vector<std::uint16_t>& ports) {
  std::string out;
  for (auto port : ports)
    out += fmt::format(" :{}", port);
  return out;
}

std::string phase_text(std::string phase) {
  std::replace(phase.begin(), phase.end(), '_', ' ');
  return printable(phase);
}

std::string artifact_name(const std::string& url) {
  return printable(url.substr(url.find_last_of('/') + 1));
}

line progress_line(const download_progress& p, const canvas& c) {
  line out{{printable(p.machine) + "  ", tone::plain}};
  bool has_room = c.width == 0 || c.width >= roomy;
  if (p.total && c.rich && has_room)
    out.push_back({bar_text(p.bytes, *p.total, bar_width, c.unicode) + " ", tone::busy});
  auto text = progress_text(p.bytes, p.total);
  if (p.bytes_per_second >= 1)
    text += "  " + bytes_text(static_cast<std::uint64_t>(p.bytes_per_second)) + "/s";
  if (p.eta)
    text += "  ETA " + age_text({1}, {1 + static_cast<std::int64_t>(*p.eta * 1e6)});
  out.push_back({text, tone::plain});
  out.push_back({"  " + artifact_name(p.artifact), tone::dim});
  return out;
}

line sentence_of(const event& e, const canvas& c) {
  return std::visit([&](const auto& what) { return sentence(what, c); }, e.what);
}

line dated_sentence_of(const event& e, const canvas& c) {
  line out{{clock_text(e.time, c.zone) + "  ", tone::dim}};
  if (!e.group.empty()) {
    auto version = e.version == 0 ? "" : fmt::format(" v{}", e.version);
    out.push_back({to_text(group_name{e.namespace_, e.group}) + version + "  ", tone::plain});
  }
  auto said = sentence_of(e, c);
  out.insert(out.end(), said.begin(), said.end());
  return out;
}

bool narrator::worth_telling(const event& e) {
  if (auto* change = std::get_if<instance_change>(&e.what)) {
    auto text = rendered(sentence_of(e, {.width = 0}), {.width = 0});
    if (change->to == instance_state::stopped)
      return said_.erase(change->id), true;
    return std::exchange(said_[change->id], text) != text;
  }
  auto* p = std::get_if<download_progress>(&e.what);
  if (p == nullptr)
    return true;
  if (p->bytes == 0)
    return false;
  auto quarters = quarters_of(*p);
  auto [told, first] = told_.try_emplace({p->machine, p->artifact}, quarters);
  bool worth = first || quarters != told->second;
  told->second = quarters;
  return worth;
}

} // namespace deployminator::cli
