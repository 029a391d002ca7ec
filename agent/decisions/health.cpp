#include "agent/decisions/health.hpp"

#include <algorithm>
#include <utility>

namespace deployminator::agent {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds longest_spread{1'000};
constexpr milliseconds shortest_look{50};
constexpr milliseconds longest_look{5'000};
constexpr milliseconds between_words{10'000};
constexpr std::uint32_t words_at_once = 5;

constexpr std::size_t longest_line = 200;

/// How many bytes of the text are its first character; 0: it begins with none of UTF-8.
std::size_t size_of_character(std::string_view text) {
  auto first = static_cast<unsigned char>(text.front());
  std::size_t size = first < 0x80                    ? 1
                     : first >= 0xc2 && first < 0xe0 ? 2
                     : first >= 0xe0 && first < 0xf0 ? 3
                     : first >= 0xf0 && first < 0xf5 ? 4
                                                     : 0;
  if (size > text.size())
    return 0;
  for (std::size_t n = 1; n < size; ++n)
    if ((static_cast<unsigned char>(text[n]) & 0xc0) != 0x80)
      return 0;
  // Overlong forms, surrogates, what is beyond Unicode, and the control characters of Latin-1.
  auto second = size > 1 ? static_cast<unsigned char>(text[1]) : 0;
  bool is_wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0)
                  || (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90)
                  || (first == 0xc2 && second < 0xa0);
  return is_wrong ? 0 : size;
}

/// FNV-1a: the same on each machine.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

} // namespace

health_turn take_check(health_watch& watch, const messages::health_rules& rules, bool is_ready,
                       bool healthy, health_watch::time_point now) {
  if (healthy) {
    watch.failures = 0;
    if (!watch.healthy_since)
      watch.healthy_since = now;
    return health_turn::healthy;
  }
  ++watch.failures;
  watch.healthy_since.reset();
  if ((is_ready || watch.unhealthy) && watch.failures < rules.failures)
    return is_ready ? health_turn::stays : health_turn::waits;
  bool is_starting = !is_ready && !watch.unhealthy;
  bool has_time = rules.start_within.count() == 0 || now - watch.begun < rules.start_within;
  if (is_starting && has_time)
    return health_turn::waits;
  watch.unhealthy = true;
  return health_turn::unhealthy;
}

milliseconds missing_to_ready(const health_watch& watch, milliseconds min_ready,
                              health_watch::time_point now) {
  auto healthy_for = now - watch.healthy_since.value_or(now);
  auto missing = std::chrono::ceil<milliseconds>(min_ready - healthy_for);
  return std::max(missing, milliseconds{0});
}

milliseconds first_check_after(const std::string& id, const messages::health_rules& rules) {
  auto most = std::min(rules.interval, longest_spread);
  return milliseconds{
    static_cast<std::int64_t>(hash_of(id) % static_cast<std::uint64_t>(most.count() + 1))};
}

milliseconds look_interval_of(const messages::health_rules& rules) {
  return rules.watchdog.count() == 0 ? longest_look
                                     : std::clamp(rules.watchdog / 4, shortest_look, longest_look);
}

bool is_silent(health_watch& watch, const messages::health_rules& rules,
               health_watch::time_point now) {
  bool is_late = rules.watchdog.count() > 0 && now - watch.sign >= rules.watchdog;
  return std::exchange(watch.is_suspect, is_late) && is_late;
}

bool take_notice(health_watch& watch, notice now_said, health_watch::time_point now) {
  bool was_ready = watch.said.ready;
  if (now_said.sign_at != watch.said.sign_at || (now_said.ready && !was_ready)) {
    watch.sign = now;
    watch.is_suspect = false;
  }
  watch.said = std::move(now_said);
  watch.said.status = first_line_of(watch.said.status);
  return watch.said.ready && !watch.said.stopping;
}

bool may_tell(health_watch& watch, health_watch::time_point now) {
  if (watch.tellings >= words_at_once && now - watch.told < between_words)
    return false;
  ++watch.tellings;
  watch.told = now;
  return true;
}

std::string first_line_of(std::string_view text) {
  while (!text.empty() && (text.front() == '\n' || text.front() == '\r' || text.front() == ' '))
    text.remove_prefix(1);
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  std::string out;
  while (!text.empty()) {
    auto size = size_of_character(text);
    bool is_shown = size > 1 || (size == 1 && text.front() >= ' ' && text.front() != 127);
    if (out.size() + std::max<std::size_t>(size, 1) > longest_line)
      return out + "…";
    out += is_shown ? text.substr(0, size) : "?";
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

bool has_recovered(const health_watch& watch, const messages::restart_rules& rules,
                   health_watch::time_point now) {
  return watch.ready_since && now - *watch.ready_since >= rules.backoff_max;
}

} // namespace deployminator::agent
