#pragma once

#include "cli/clock.hpp"
#include "cli/json.hpp"
#include "messages/log_line.hpp"
#include "messages/timestamp.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace deployminator::cli {

/// How the output of instances is shown.
enum class log_form {
  /// The text of each line, safe for a terminal.
  lines,
  /// `{type: "log", time, id, stream, text}`, one object a line.
  json_lines,
  /// An array of such objects, complete once `finish` is called.
  json_document,
};

/// What stands before the text of each line.
struct log_prefix {
  bool time = false;
  bool id = false;
  time_zone zone = time_zone::utc;
};

/// Turns pieces of instances' logs into what is shown of them. Lines appear when they are complete,
/// so that those of several instances, or of stdout and stderr, do not mix.
class log_writer {
public:
  /// `write` gets what is to be written.
  log_writer(log_form form, log_prefix prefix, std::function<void(const std::string&)> write);

  /// Takes in a piece of an instance's log. `now` is the time of lines that have none.
  void take(const std::string& id, std::string_view data, messages::timestamp now);

  /// The instance is gone, and nothing of its log is missing; only where lines are followed.
  void end(const std::string& id, messages::timestamp when, const std::string& reason);

  /// Ends the last lines as they are: nothing more comes.
  void finish(messages::timestamp now);

private:
  struct text {
    messages::timestamp time;
    std::string bytes;
  };
  struct begun_log {
    /// Of a line of the log.
    std::string line;
    /// What goes on in further lines, by source.
    std::array<text, 3> texts;
  };

  void take_line(const std::string& id, begun_log& log, std::string_view whole,
                 messages::timestamp now);
  void end_texts(const std::string& id, begun_log& log);
  void put(const std::string& id, messages::log_source source, const text& what);

  log_form form_;
  log_prefix prefix_;
  std::function<void(const std::string&)> write_;
  std::map<std::string, begun_log> begun_;
  json document_ = json::array();
};

} // namespace deployminator::cli
