#include "cli/terminal.hpp"

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include <sys/ioctl.h>

namespace deployminator::cli {

namespace {

/// Whether the locale's characters are UTF-8, by the variables that name it.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0')
      continue;
    std::string_view text{value};
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos
           || text.find("utf-8") != text.npos;
  }
  return false;
}

} // namespace

terminal::terminal(int descriptor, bool rich)
  : descriptor_(descriptor), live_(rich && is_capable_terminal(descriptor)),
    unicode_(locale_is_utf8()) {}

bool terminal::is_live() const {
  return live_;
}

canvas terminal::shape() const {
  if (!live_)
    return {.width = 0, .height = 0, .rich = false, .unicode = unicode_};
  canvas out{.rich = live_, .unicode = unicode_};
  winsize size{};
  if (ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    out.width = size.ws_col;
    out.height = size.ws_row;
  }
  return out;
}

void terminal::say(const line& l) {
  auto text = erasing() + rendered(l, {.width = 0, .rich = live_}) + "\n";
  write(text + painted(shown_));
}

void terminal::show(const std::vector<line>& lines) {
  if (!live_)
    return;
  auto text = erasing() + painted(lines);
  shown_ = lines;
  write(text);
}

void terminal::settle() {
  shown_.clear();
}

std::string terminal::erasing() const {
  return shown_.empty() ? "" : "\x1b[" + std::to_string(shown_.size()) + "F\x1b[J";
}

std::string terminal::painted(const std::vector<line>& lines) const {
  auto c = shape();
  std::string out;
  for (const auto& each : lines)
    out += rendered(each, c) + "\n";
  return out;
}

void terminal::write(const std::string& text) const {
  std::string_view left = text;
  while (!left.empty()) {
    auto n = ::write(descriptor_, left.data(), left.size());
    if (n < 0 && errno == EINTR)
      continue;
    // Nothing can be told to somebody who does not listen any more.
    if (n < 0)
      return;
    left.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool is_capable_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) != 0 && kind != nullptr && std::string_view{kind} != "dumb";
}

} // namespace deployminator::cli
