#include "deploy-configs/yaml_scan.hpp"

#include <algorithm>
#include <string>

namespace deployminator::configs {

namespace {

/// Walks through a text and knows what it is in.
class walk {
public:
  explicit walk(std::string_view text, text_place end) : text_(text), end_(end) {}

  open_marks run() {
    while (at_ < text_.size() && here_ < end_)
      step();
    return std::move(found_);
  }

private:
  [[nodiscard]] char look(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }

  void advance() {
    bool ends_line = look() == '\n';
    ++at_;
    here_ = ends_line ? text_place{here_.line + 1, 1} : text_place{here_.line, here_.column + 1};
    if (ends_line)
      may_begin_ = true;
  }

  void step() {
    char c = look();
    if (c == '#' && (at_ == 0 || is_blank(text_[at_ - 1])))
      return skip_line();
    if (may_begin_ && (c == '"' || c == '\''))
      return pass_quoted(c);
    if (may_begin_ && found_.brackets.empty() && (c == '|' || c == '>'))
      return pass_block_text();
    if (in_flow_or_begins(c))
      found_.brackets.push_back({c, here_});
    else if ((c == ']' || c == '}') && !found_.brackets.empty())
      found_.brackets.pop_back();
    bool next_is_blank = is_blank(look(1));
    bool in_flow = !found_.brackets.empty();
    bool separates = c == '[' || c == '{' || (c == ',' && in_flow)
                     || ((c == ':' || c == '-' || c == '?') && (next_is_blank || in_flow));
    if (!is_blank(c))
      may_begin_ = separates;
    advance();
  }

  [[nodiscard]] bool in_flow_or_begins(char c) const {
    return (c == '[' || c == '{') && (may_begin_ || !found_.brackets.empty());
  }

  static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
  }

  void skip_line() {
    while (look() != '\n')
      advance();
    advance();
  }

  void pass_quoted(char mark) {
    opened_mark begin{mark, here_};
    advance();
    while (at_ < text_.size() && here_ < end_) {
      bool escaped = mark == '"' ? look() == '\\' : (look() == mark && look(1) == mark);
      if (escaped)
        advance();
      else if (look() == mark)
        break;
      advance();
    }
    found_.long_quote.reset();
    if (here_.line > begin.at.line)
      found_.long_quote = begin;
    advance();
    may_begin_ = false;
  }

  /// The lines below `|` or `>` that are indented as the first of them.
  void pass_block_text() {
    skip_line();
    std::size_t least = 0;
    while (at_ < text_.size()) {
      auto line = text_.substr(at_, text_.find('\n', at_) - at_);
      auto indent = line.find_first_not_of(" \r");
      if (indent != std::string_view::npos) {
        if (least == 0)
          least = std::max<std::size_t>(indent, 1);
        if (indent < least)
          return;
      }
      skip_line();
    }
  }

  std::string_view text_;
  text_place end_;
  std::size_t at_ = 0;
  text_place here_;
  /// A value may begin here: quotes, brackets and `|` mean something.
  bool may_begin_ = true;
  open_marks found_;
};

} // namespace

open_marks open_at(std::string_view text, text_place end) {
  return walk{text, end}.run();
}

std::string_view line_of(std::string_view text, std::size_t line) {
  for (; line > 1; --line) {
    auto end = text.find('\n');
    if (end == std::string_view::npos)
      return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r'))
    text.remove_suffix(1);
  return text;
}

} // namespace deployminator::configs
