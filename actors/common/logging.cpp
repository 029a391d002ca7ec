#include "actors/common/logging.hpp"

#include "messages/timestamp.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace deployminator::common::log {

namespace {

struct level_text {
  std::string_view name;
  /// The prefix of sd-daemon(3).
  std::string_view priority;
};

constexpr std::array<level_text, 4> level_texts{
  {{"debug", "<7>"}, {"info", "<6>"}, {"warning", "<4>"}, {"error", "<3>"}}};

bool under_systemd() {
  static const bool answer = std::getenv("JOURNAL_STREAM") != nullptr;
  return answer;
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](unsigned char c) {
           return c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f;
         });
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char each : text) {
    auto c = static_cast<unsigned char>(each);
    if (c == '\n')
      out += "\\n";
    else if (c < ' ' || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else if (c == '"' || c == '\\')
      out += {'\\', each};
    else
      out += each;
  }
  return out + '"';
}

spdlog::logger& logger() {
  static auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("deployminator",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

receiver& elsewhere() {
  static receiver to;
  return to;
}

void print(level l, std::string_view what, std::initializer_list<field> fields) {
  if (elsewhere())
    return elsewhere()(l, what, fields);
  auto severity = l == level::debug ? spdlog::level::debug : spdlog::level::info;
  if (logger().should_log(severity))
    logger().log(severity, "{}", line(l, what, fields));
}

} // namespace

std::string line(level l, std::string_view what, std::initializer_list<field> fields) {
  const auto& texts = level_texts[static_cast<std::size_t>(l)];
  std::string out = under_systemd()
                      ? std::string{texts.priority}
                      : fmt::format("time={} ", messages::to_text(messages::system_utc_now()));
  out += fmt::format("level={} event={}", texts.name, in_quotes(what));
  for (const auto& each : fields)
    out += fmt::format(" {}={}", each.key,
                       needs_quotes(each.value) ? in_quotes(each.value) : each.value);
  return out;
}

void debug(std::string_view what, std::initializer_list<field> fields) {
  print(level::debug, what, fields);
}

void info(std::string_view what, std::initializer_list<field> fields) {
  print(level::info, what, fields);
}

void warning(std::string_view what, std::initializer_list<field> fields) {
  print(level::warning, what, fields);
}

void error(std::string_view what, std::initializer_list<field> fields) {
  print(level::error, what, fields);
}

void deliver_to(receiver to) {
  elsewhere() = std::move(to);
}

void print_debug(bool on) {
  logger().set_level(on ? spdlog::level::debug : spdlog::level::info);
}

} // namespace deployminator::common::log
