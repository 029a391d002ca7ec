#include "actors/common/logging.hpp"

#include "actors/common/log_output.hpp"
#include "messages/timestamp.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

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

/// Values longer than this are cut.
constexpr std::size_t most_of_value = 4'096;

std::string shortened(std::string_view value) {
  auto size = most_of_value;
  while (size > 0 && (static_cast<unsigned char>(value[size]) & 0xc0) == 0x80)
    --size;
  return fmt::format("{}... ({} bytes)", value.substr(0, size), value.size());
}

/// What stands before a line and is different each time.
std::string head(level l) {
  return under_systemd() ? std::string{level_texts[static_cast<std::size_t>(l)].priority}
                         : fmt::format("time={} ", messages::to_text(messages::system_utc_now()));
}

/// The path of stderr where it is a file, else empty.
std::string file_of_stderr() {
  struct stat now {};
  if (fstat(STDERR_FILENO, &now) != 0 || !S_ISREG(now.st_mode))
    return {};
  std::array<char, PATH_MAX> path{};
  auto size = readlink("/proc/self/fd/2", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string{};
}

struct standard_error {
  /// As it was called when the first line was logged.
  std::string file = file_of_stderr();
  log_output lines{STDERR_FILENO, [](const std::string& text) {
                     return head(text.starts_with("level=error") ? level::error : level::warning)
                            + text;
                   }};
};

standard_error& output() {
  // Never destroyed: its thread may be stuck.
  static auto& instance = *new standard_error;
  return instance;
}

receiver& elsewhere() {
  static receiver to;
  return to;
}

void print(level l, std::string_view what, std::initializer_list<field> fields) {
  if (elsewhere())
    return elsewhere()(l, what, fields);
  if (l != level::debug)
    output().lines.put(head(l), text_of(l, what, fields), l >= level::warning);
}

} // namespace

std::string text_of(level l, std::string_view what, std::initializer_list<field> fields) {
  auto out = fmt::format("level={} event={}", level_texts[static_cast<std::size_t>(l)].name,
                         in_quotes(what));
  for (const auto& each : fields) {
    auto value = each.value.size() > most_of_value ? shortened(each.value) : each.value;
    out += fmt::format(" {}={}", each.key, needs_quotes(value) ? in_quotes(value) : value);
  }
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

bool flush(std::chrono::milliseconds longest) {
  return elsewhere() || output().lines.flush(longest);
}

void reopen() {
  const auto& path = output().file;
  if (path.empty())
    return info("log has nothing to reopen: stderr is no file");
  int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
    error("log cannot reopen its file", {{"file", path}, {"reason", std::strerror(errno)}});
  else
    info("log has reopened its file", {{"file", path}});
  if (fd >= 0)
    close(fd);
}

} // namespace deployminator::common::log
