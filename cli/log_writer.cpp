#include "cli/log_writer.hpp"

#include "cli/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployminator::cli {

using messages::log_source;
using messages::timestamp;

namespace {

/// A line that has grown so long is shown in pieces.
constexpr std::size_t max_line_bytes = 64 * 1024;

} // namespace

log_writer::log_writer(log_form form, log_prefix prefix,
                       std::function<void(const std::string&)> write)
  : form_(form), prefix_(prefix), write_(std::move(write)) {}

void log_writer::take(const std::string& id, std::string_view data, timestamp now) {
  auto& log = begun_[id];
  for (auto end = data.find('\n'); end != data.npos; end = data.find('\n')) {
    log.line += data.substr(0, end);
    take_line(id, log, std::exchange(log.line, {}), now);
    data.remove_prefix(end + 1);
  }
  log.line += data;
  if (log.line.size() > max_line_bytes)
    take_line(id, log, std::exchange(log.line, {}), now);
}

void log_writer::take_line(const std::string& id, begun_log& log, std::string_view whole,
                           timestamp now) {
  auto read = messages::log_line_from(whole);
  // Whatever it tells of, nothing goes on beyond it.
  if (read.source == log_source::sys)
    end_texts(id, log);
  auto& begun = log.texts[static_cast<std::size_t>(read.source)];
  if (!begun.time)
    begun.time = read.time ? read.time : now;
  begun.bytes += read.text;
  if (!read.goes_on || begun.bytes.size() > max_line_bytes)
    put(id, read.source, std::exchange(begun, {}));
}

void log_writer::end_texts(const std::string& id, begun_log& log) {
  for (std::size_t n = 0; n < log.texts.size(); ++n)
    if (auto begun = std::exchange(log.texts[n], {}); begun.time)
      put(id, static_cast<log_source>(n), begun);
}

void log_writer::end(const std::string& id, timestamp when, const std::string& reason) {
  if (auto log = begun_.extract(id)) {
    if (!log.mapped().line.empty())
      take_line(id, log.mapped(), log.mapped().line, when);
    end_texts(id, log.mapped());
  }
  if (form_ == log_form::json_lines)
    write_(one_line(
      {{"type", "log.end"}, {"time", messages::to_text(when)}, {"id", id}, {"reason", reason}}));
}

void log_writer::finish(timestamp now) {
  for (auto& [id, log] : begun_) {
    if (!log.line.empty())
      take_line(id, log, log.line, now);
    end_texts(id, log);
  }
  begun_.clear();
  if (form_ == log_form::json_document)
    write_(indented(document_));
}

void log_writer::put(const std::string& id, log_source source, const text& what) {
  if (form_ == log_form::lines) {
    auto time = prefix_.time
                  ? fmt::format("{} {} ", exact_clock_text(what.time, prefix_.zone), source)
                  : "";
    auto name = prefix_.id ? printable(id) + " | " : "";
    // What the program did not say itself.
    auto mark = source == log_source::sys && !prefix_.time ? "-- " : "";
    return write_(fmt::format("{}{}{}{}\n", time, name, mark, printable(what.bytes, true)));
  }
  json object{{"type", "log"},
              {"time", messages::to_text(what.time)},
              {"id", id},
              {"stream", messages::to_text(source)},
              {"text", what.bytes}};
  if (form_ == log_form::json_lines)
    write_(one_line(object));
  else
    document_.push_back(std::move(object));
}

} // namespace deployminator::cli
