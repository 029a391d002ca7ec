#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

/// The log of server and agent: one line per event on stderr, as `key=value` pairs. Under systemd
/// (JOURNAL_STREAM is set) the line begins with its priority, as sd-daemon(3) describes, and leaves
/// the time to the journal. Any thread may call these.
namespace deployminator::common::log {

enum class level { debug, info, warning, error };

/// One `key=value` pair; the value may be anything that fmt can print.
struct field {
  template <class T>
  field(std::string_view name, const T& content) : key(name), value(fmt::format("{}", content)) {}

  std::string_view key;
  std::string value;
};

/// The line for an event, without its end: values with blanks, quotes or control characters are
/// quoted and escaped, so that nobody can forge a line.
std::string line(level l, std::string_view what, std::initializer_list<field> fields);

/// What happened, as "<actor> <verb> <object>".
void debug(std::string_view what, std::initializer_list<field> fields = {});
void info(std::string_view what, std::initializer_list<field> fields = {});
void warning(std::string_view what, std::initializer_list<field> fields = {});
void error(std::string_view what, std::initializer_list<field> fields = {});

/// Gets what would be printed.
using receiver
  = std::function<void(level l, std::string_view what, std::initializer_list<field> fields)>;

/// From now on `to` gets everything instead of stderr; empty: stderr does. Not while others log.
void deliver_to(receiver to);

/// Whether `debug` prints; off at first.
void print_debug(bool on);

} // namespace deployminator::common::log
