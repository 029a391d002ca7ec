#pragma once

#include "cli/json.hpp"
#include "messages/timestamp.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace deployminator::cli {

/// How the output of instances is shown.
enum class log_form {
  /// The bytes as they are.
  raw,
  /// Lines safe for a terminal.
  lines,
  /// The same, each after the id of its instance.
  prefixed_lines,
  /// `{type: "log", time, id, text}`, one object a line.
  json_lines,
  /// An array of such objects, complete once `finish` is called.
  json_document,
};

/// Turns pieces of instances' output into what is shown of them. Lines appear when they are
/// complete, so that those of several instances do not mix.
class log_writer {
public:
  /// `write` gets what is to be written.
  log_writer(log_form form, std::function<void(const std::string&)> write);

  /// Takes in a piece of an instance's output.
  void take(const std::string& id, std::string_view data, messages::timestamp now);

  /// Ends the last lines as they are: nothing more comes.
  void finish(messages::timestamp now);

private:
  void put_line(const std::string& id, std::string_view text, messages::timestamp now);

  log_form form_;
  std::function<void(const std::string&)> write_;
  /// The begun line of each instance.
  std::map<std::string, std::string> begun_;
  json document_ = json::array();
};

} // namespace deployminator::cli
