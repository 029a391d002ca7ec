#include "cli/log_writer.hpp"

#include "cli/text.hpp"

#include <utility>

namespace deployminator::cli {

namespace {

/// A line that has grown so long is shown in pieces.
constexpr std::size_t max_line_bytes = 64 * 1024;

} // namespace

log_writer::log_writer(log_form form, std::function<void(const std::string&)> write)
  : form_(form), write_(std::move(write)) {}

void log_writer::take(const std::string& id, std::string_view data, messages::timestamp now) {
  if (form_ == log_form::raw) {
    write_(std::string{data});
    return;
  }
  auto& begun = begun_[id];
  begun += data;
  std::string_view left = begun;
  for (auto end = left.find('\n'); end != left.npos; end = left.find('\n')) {
    put_line(id, left.substr(0, end), now);
    left.remove_prefix(end + 1);
  }
  if (left.size() > max_line_bytes) {
    put_line(id, left, now);
    left = {};
  }
  begun = std::string{left};
}

void log_writer::finish(messages::timestamp now) {
  for (const auto& [id, text] : std::exchange(begun_, {}))
    if (!text.empty())
      put_line(id, text, now);
  if (form_ == log_form::json_document)
    write_(indented(document_));
}

void log_writer::put_line(const std::string& id, std::string_view text, messages::timestamp now) {
  if (form_ == log_form::lines || form_ == log_form::prefixed_lines) {
    auto prefix = form_ == log_form::lines ? "" : printable(id) + " | ";
    write_(prefix + printable(text, true) + "\n");
    return;
  }
  json object{{"type", "log"}, {"time", messages::to_text(now)}, {"id", id}, {"text", text}};
  if (form_ == log_form::json_lines)
    write_(one_line(object));
  else
    document_.push_back(std::move(object));
}

} // namespace deployminator::cli
