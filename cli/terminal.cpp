#include "cli/terminal.hpp"

#include "cli/output.hpp"

#include <clocale>
#include <cstdlib>
#include <langinfo.h>
#include <optional>
#include <string_view>
#include <unistd.h>

#include <sys/ioctl.h>

namespace deployminator::cli {

namespace {

/// Whether the locale that the environment names has UTF-8 characters.
bool locale_is_utf8() {
  auto* named = newlocale(LC_CTYPE_MASK, "", nullptr);
  if (named == nullptr)
    return false;
  bool out = std::string_view{nl_langinfo_l(CODESET, named)} == "UTF-8";
  freelocale(named);
  return out;
}

std::optional<winsize> size_of(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return std::nullopt;
  return size;
}

} // namespace

terminal::terminal(int descriptor, bool rich, time_zone zone)
  : descriptor_(descriptor), live_(rich && is_capable_terminal(descriptor)),
    unicode_(locale_is_utf8()), zone_(zone) {}

bool terminal::is_live() const {
  return live_;
}

canvas terminal::shape() const {
  if (!live_)
    return {.width = 0, .height = 0, .zone = zone_};
  canvas out{.rich = true, .unicode = unicode_, .zone = zone_};
  if (auto size = size_of(descriptor_)) {
    out.width = size->ws_col;
    out.height = size->ws_row;
  }
  return out;
}

void terminal::say(const line& l) {
  auto all = shape();
  all.width = 0;
  auto text = erasing() + rendered(l, all) + "\n";
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
  auto reason = write_all(descriptor_, text);
  // Progress on stderr is nothing to give up for.
  if (reason != 0 && descriptor_ == STDOUT_FILENO)
    throw output_lost{reason};
}

canvas terminal_page(int descriptor) {
  auto size = size_of(descriptor);
  if (!size || isatty(descriptor) == 0)
    return {.width = 0, .height = 0};
  return {.width = size->ws_col, .height = size->ws_row, .unicode = locale_is_utf8()};
}

bool is_capable_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) != 0 && kind != nullptr && std::string_view{kind} != "dumb";
}

} // namespace deployminator::cli
