#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

/// The log of server and agent: one line per event on stderr, as `key=value` pairs. Under systemd
/// (JOURNAL_STREAM is set) the line begins with its priority, as sd-daemon(3) describes, and leaves
/// the time to the journal. Any thread may call these, and none waits: what nobody reads is dropped
/// and counted. A warning or error that is said again within a minute is counted.
namespace deployminator::common::log {

enum class level { debug, info, warning, error };

/// One `key=value` pair; the value may be anything that fmt can print.
struct field {
  template <class T>
  field(std::string_view name, const T& content) : key(name), value(fmt::format("{}", content)) {}

  std::string_view key;
  std::string value;
};

/// The text for an event, without time and end: values with blanks, quotes or control characters
/// are quoted and escaped, so that nobody can forge a line.
std::string text_of(level l, std::string_view what, std::initializer_list<field> fields);

/// What happened, as "<actor> <verb> <object>". `debug` is for a receiver only.
void debug(std::string_view what, std::initializer_list<field> fields = {});
void info(std::string_view what, std::initializer_list<field> fields = {});
void warning(std::string_view what, std::initializer_list<field> fields = {});
void error(std::string_view what, std::initializer_list<field> fields = {});

/// Gets what would be printed.
using receiver
  = std::function<void(level l, std::string_view what, std::initializer_list<field> fields)>;

/// From now on `to` gets everything instead of stderr; empty: stderr does. Not while others log.
void deliver_to(receiver to);

/// Waits until all is written, at most so long; whether it is. Called at the end of the process.
bool flush(std::chrono::milliseconds longest);

/// Where stderr is a file: goes on in the one that now has its name, for who rotates logs; logs
/// what it did.
void reopen();

} // namespace deployminator::common::log
