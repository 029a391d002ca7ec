#include "deploy-configs/yaml_complaint.hpp"

#include "deploy-configs/values.hpp"
#include "deploy-configs/yaml_scan.hpp"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::configs {

namespace {

namespace said = YAML::ErrorMsg;

/// Works out what is wrong with one text.
class complaint {
public:
  complaint(std::string_view text, const mistake& what)
    : text_(text), at_{what.line, what.column}, message_(what.message),
      line_(line_of(text, at_.line)), open_(open_at(text, at_)) {}

  mistake explain() {
    using rule = std::optional<mistake> (complaint::*)();
    for (rule each :
         {&complaint::tab, &complaint::long_quote, &complaint::name_of_anchor, &complaint::escape,
          &complaint::behind_a_value, &complaint::bracket, &complaint::unlucky_letter,
          &complaint::list_behind_a_key, &complaint::second_colon, &complaint::missing_colon,
          &complaint::indentation, &complaint::rare})
      if (auto found = (this->*each)())
        return std::move(*found);
    return here("this cannot be read as YAML; expected `KEY: VALUE`, `- ENTRY` or a comment");
  }

private:
  [[nodiscard]] bool is(const char* message) const {
    return message_.starts_with(message);
  }
  [[nodiscard]] bool is_any(std::initializer_list<const char*> messages) const {
    return std::any_of(messages.begin(), messages.end(), [this](const char* m) { return is(m); });
  }
  [[nodiscard]] mistake here(std::string message) const {
    return {at_.line, at_.column, std::move(message)};
  }
  [[nodiscard]] mistake in_line(std::size_t column, std::string message) const {
    return {at_.line, column, std::move(message)};
  }
  /// The line before the place.
  [[nodiscard]] std::string_view before() const {
    return line_.substr(0, std::min(at_.column - 1, line_.size()));
  }
  /// The rest of the line, from the place.
  [[nodiscard]] std::string_view rest() const {
    return line_.substr(std::min(at_.column - 1, line_.size()));
  }
  static std::string_view without_blanks(std::string_view text) {
    auto first = text.find_first_not_of(" \t");
    return first == std::string_view::npos
             ? std::string_view{}
             : text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }
  [[nodiscard]] bool begins_line() const {
    return indentation_of(line_) >= before().size();
  }
  static std::size_t indentation_of(std::string_view line) {
    return std::min(line.find_first_not_of(' '), line.size());
  }
  static bool says_something(std::string_view line) {
    auto content = without_blanks(line);
    return !content.empty() && !content.starts_with('#');
  }

  std::optional<mistake> tab() {
    auto indentation = line_.substr(0, line_.find_first_not_of(" \t"));
    auto found = indentation.find('\t');
    if (found == std::string_view::npos || !open_.brackets.empty())
      return std::nullopt;
    return in_line(found + 1,
                   "a tab stands in the indentation of this line; expected blanks, as YAML "
                   "takes no others");
  }

  /// The parser gave up where a text in quotes ended that should have ended long before.
  std::optional<mistake> long_quote() {
    if (!open_.long_quote || is(said::INVALID_ESCAPE))
      return std::nullopt;
    const auto& quote = *open_.long_quote;
    return mistake{
      quote.at.line, quote.at.column,
      fmt::format("the text that this `{}` begins goes on to line {}, where more follows "
                  "it; expected a second `{}` at its end",
                  quote.what, at_.line, quote.what)};
  }

  std::optional<mistake> name_of_anchor() {
    if (is(said::UNKNOWN_ANCHOR) || is("the referenced anchor is not defined"))
      return here(
        fmt::format("the alias {} names no anchor above it; expected one such as `&{}` at "
                    "the value that is meant",
                    in_ticks(word(rest())), word(rest()).substr(1)));
    if (is_any({said::ANCHOR_NOT_FOUND, said::ALIAS_NOT_FOUND, said::CHAR_IN_ANCHOR,
                said::CHAR_IN_ALIAS})) {
      auto mark = before().find_last_of("&*");
      return in_line(mark == std::string_view::npos ? at_.column : mark + 1,
                     "an anchor or alias begins here that has no good name; expected letters and "
                     "digits behind `&` or `*`, or quotes around a text that begins with one");
    }
    if (is(said::MULTIPLE_ANCHORS))
      return here("this value has two anchors; expected one");
    if (is(said::ALIAS_CONTENT))
      return here("this alias has an anchor or a tag of its own; expected the alias alone");
    return std::nullopt;
  }

  std::optional<mistake> escape() {
    if (is(said::INVALID_ESCAPE)) {
      auto mark = before().rfind('\\');
      auto column = mark == std::string_view::npos ? at_.column : mark + 1;
      auto letter = line_.substr(std::min(column - 1, line_.size()), 2);
      return in_line(column, fmt::format("{0} is no escape that YAML knows; expected `\\\\` for a "
                                         "backslash, or the text in ' instead of \"",
                                         in_ticks(letter)));
    }
    if (is_any({said::INVALID_HEX, said::INVALID_UNICODE})) {
      for (auto line = at_.line; line > 0; --line) {
        auto whole = line_of(text_, line);
        auto mark = std::max({rfind(whole, "\\u"), rfind(whole, "\\x"), rfind(whole, "\\U")});
        if (mark > 0)
          return mistake{
            line, static_cast<std::size_t>(mark),
            fmt::format("{} is not followed by its hex digits; expected `\\xNN`, "
                        "`\\uNNNN` or `\\UNNNNNNNN` of a character that there is",
                        in_ticks(whole.substr(static_cast<std::size_t>(mark) - 1, 2)))};
      }
    }
    return std::nullopt;
  }

  /// The last place of the word as a column; 0 where it is not.
  static std::ptrdiff_t rfind(std::string_view line, std::string_view word) {
    return static_cast<std::ptrdiff_t>(line.rfind(word) + 1);
  }

  std::optional<mistake> bracket() {
    if (is(said::FLOW_END))
      return wrong_closing();
    if (!is_any({said::END_OF_MAP_FLOW, said::END_OF_SEQ_FLOW}) || open_.brackets.empty())
      return std::nullopt;
    if (rest().starts_with('{') && before().ends_with('$'))
      return in_line(at_.column - 1,
                     "between brackets the `{` of `${` begins a map; expected quotes around a text "
                     "that holds a variable, such as [\"-port=${PORT1}\"]");
    const auto& inner = open_.brackets.back();
    return mistake{
      inner.at.line, inner.at.column,
      fmt::format("this `{}` is not closed {}; expected a comma between its entries, and "
                  "`{}` behind the last",
                  inner.what, where_it_should_be(inner), inner.what == '[' ? ']' : '}')};
  }

  [[nodiscard]] std::string where_it_should_be(const opened_mark& inner) const {
    if (!says_something(rest()) && at_.line >= lines())
      return "to the end of the file";
    return at_.line == inner.at.line ? fmt::format("before column {} of its line", at_.column)
                                     : fmt::format("before line {} goes on", at_.line);
  }

  mistake wrong_closing() {
    auto closing = rest().empty() ? ' ' : rest().front();
    if (open_.brackets.empty())
      return here(
        fmt::format("this `{}` closes nothing; expected no bracket here, or quotes around a "
                    "text that holds one",
                    closing));
    const auto& inner = open_.brackets.back();
    return here(fmt::format(
      "this `{}` stands where the `{}` of line {}, column {} is open; expected "
      "`{}`",
      closing, inner.what, inner.at.line, inner.at.column, inner.what == '[' ? ']' : '}'));
  }

  [[nodiscard]] std::size_t lines() const {
    return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n'));
  }

  std::optional<mistake> unlucky_letter() {
    bool alone = without_blanks(rest()).starts_with(',');
    if (!is(said::UNKNOWN_TOKEN) && !alone)
      return std::nullopt;
    return here(fmt::format("no value can begin with {}; expected it in quotes",
                            in_ticks(rest().substr(0, 1))));
  }

  /// `"b" c`, `[b]d`, `*x d`.
  std::optional<mistake> behind_a_value() {
    auto value = without_blanks(before());
    if (value.empty() || begins_line()
        || !is_any(
          {said::END_OF_MAP, said::END_OF_SEQ, said::END_OF_MAP_FLOW, said::END_OF_SEQ_FLOW}))
      return std::nullopt;
    if (value.ends_with('"') || value.ends_with('\''))
      return here(fmt::format("more follows the text in quotes that ends here; expected the whole "
                              "value in quotes{}",
                              value.ends_with('\'') ? ", with '' for a ' in it"
                                                    : ", with `\\\"` for a \" in it"));
    if (value.ends_with(']') || value.ends_with('}'))
      return here("more follows the bracket that closes this value; expected nothing behind it, or "
                  "quotes around the whole");
    auto last = value.substr(std::min(value.find_last_of(' ') + 1, value.size()));
    if (last.starts_with('*') || last.starts_with('&'))
      return here(
        fmt::format("this cannot follow {}; expected an alias alone, and an anchor before a "
                    "value",
                    in_ticks(last)));
    return std::nullopt;
  }

  std::optional<mistake> list_behind_a_key() {
    if (!is(said::BLOCK_ENTRY) || begins_line())
      return std::nullopt;
    return here(
      "a list begins on the line of its key; expected each `- ` on a line of its own below "
      "it, or the list in brackets: [a, b]");
  }

  /// `a: b: c`.
  std::optional<mistake> second_colon() {
    auto first = before().find(": ");
    if (!is(said::MAP_VALUE) || first == std::string_view::npos)
      return std::nullopt;
    return here(
      fmt::format("a second `: ` stands in this line; expected quotes around a value that "
                  "holds one: {}",
                  in_ticks(fmt::format("{}: \"{}\"", without_blanks(line_.substr(0, first)),
                                       without_blanks(line_.substr(first + 2))))));
  }

  /// A line that holds no key, so that the parser took the next line for more of its text.
  std::optional<mistake> missing_colon() {
    if (!is_any({said::MAP_VALUE, said::BLOCK_ENTRY, said::END_OF_MAP}))
      return std::nullopt;
    auto above = line_above(at_.line);
    auto line = line_of(text_, above);
    auto content = without_blanks(line);
    while (content.starts_with("- "))
      content = without_blanks(content.substr(1));
    if (above == 0 || content.find(": ") != std::string_view::npos || content.ends_with(':')
        || content.find_first_of("\"'[]{}|>&*!") != std::string_view::npos || !is(said::MAP_VALUE))
      return std::nullopt;
    auto column = static_cast<std::size_t>(content.data() - line.data()) + 1;
    auto name = content.substr(0, content.find_first_of(" :"));
    auto value = without_blanks(content.substr(std::min(name.size() + 1, content.size())));
    return mistake{above, column,
                   fmt::format("this line has no `: `; expected {}",
                               in_ticks(value.empty() ? fmt::format("{}:", name)
                                                      : fmt::format("{}: {}", name, value)))};
  }

  /// The nearest line above that holds something; 0: none.
  [[nodiscard]] std::size_t line_above(std::size_t line) const {
    do
      --line;
    while (line > 0 && !says_something(line_of(text_, line)));
    return line;
  }

  std::optional<mistake> indentation() {
    if (!is_any(
          {said::END_OF_MAP, said::END_OF_SEQ, said::MAP_VALUE, said::BLOCK_ENTRY, said::MAP_KEY}))
      return std::nullopt;
    auto column = indentation_of(line_) + 1;
    auto possible = columns_above();
    bool is_entry = without_blanks(line_).starts_with("- ");
    if (std::find(possible.begin(), possible.end(), column) != possible.end())
      return in_line(
        column, is_entry ? "a list's entry stands in the column of the keys above it; expected "
                           "`KEY: VALUE`, or more blanks before the `- `"
                         : "a key stands in the column of the list's entries above it; "
                           "expected `- ` before it, or other blanks");
    return in_line(column,
                   fmt::format("this line begins in column {}, where nothing above it does; "
                               "expected column {}",
                               column, nearest(column, possible)));
  }

  /// Those on both sides of the column, in words.
  static std::string nearest(std::size_t column, const std::vector<std::size_t>& possible) {
    auto above = std::upper_bound(possible.begin(), possible.end(), column);
    std::string out = above == possible.begin() ? "" : std::to_string(*std::prev(above));
    if (above != possible.end())
      out += fmt::format("{}{}", out.empty() ? "" : " or ", *above);
    return out.empty() ? "1" : out;
  }

  /// The columns in which something is open above the line, which it may go on with, and behind
  /// each
  /// `- ` another.
  [[nodiscard]] std::vector<std::size_t> columns_above() const {
    std::vector<std::size_t> out;
    auto least = std::string_view::npos;
    for (auto above = line_above(at_.line); above > 0; above = line_above(above)) {
      auto line = line_of(text_, above);
      auto column = indentation_of(line) + 1;
      if (column >= least)
        continue;
      out.push_back(column);
      for (auto inner = column; line.substr(inner - 1).starts_with("- ");) {
        inner = std::min(line.find_first_not_of(' ', inner), line.size()) + 1;
        if (inner < least)
          out.push_back(inner);
      }
      least = column;
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::optional<mistake> rare() {
    if (is(said::CHAR_IN_BLOCK) || is(said::ZERO_INDENT_IN_BLOCK))
      return here(
        "this cannot follow the `|` or `>` of a text in lines; expected nothing, `-` or `+`, "
        "and the text below, indented");
    if (is_any({said::YAML_DIRECTIVE_ARGS, said::YAML_VERSION, said::YAML_MAJOR_VERSION,
                said::REPEATED_YAML_DIRECTIVE, said::TAG_DIRECTIVE_ARGS,
                said::REPEATED_TAG_DIRECTIVE}))
      return here("this line begins with %; expected none that does");
    if (is_any({said::END_OF_VERBATIM_TAG, said::MULTIPLE_TAGS, said::CHAR_IN_TAG_HANDLE,
                said::TAG_WITH_NO_SUFFIX}))
      return here(
        "a tag stands here; expected the value alone, or quotes around a text that begins "
        "with `!`");
    if (is_any({said::DOC_IN_SCALAR, said::EOF_IN_SCALAR}))
      return here("a text in quotes is not ended; expected the second quotation mark");
    return std::nullopt;
  }

  static std::string word(std::string_view text) {
    return std::string{text.substr(0, text.find_first_of(" \t,]}"))};
  }

  std::string_view text_;
  text_place at_;
  std::string message_;
  std::string_view line_;
  open_marks open_;
};

} // namespace

mistake in_plain_words(std::string_view text, const mistake& said) {
  return complaint{text, said}.explain();
}

} // namespace deployminator::configs
