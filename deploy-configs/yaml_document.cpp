#include "deploy-configs/yaml_document.hpp"

#include "deploy-configs/utf8.hpp"
#include "deploy-configs/values.hpp"
#include "deploy-configs/yaml_complaint.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace deployminator::configs {

namespace {

constexpr std::size_t max_depth = 64;
constexpr std::size_t max_values = 200'000;

/// The parser's marks count from 0; those it makes up hold -1.
mistake at(const YAML::Mark& mark, std::string message) {
  auto from_one = [](int n) { return static_cast<std::size_t>(std::max(n, 0)) + 1; };
  return {from_one(mark.line), from_one(mark.column), std::move(message)};
}

/// Ends parsing from within a handler: the text is YAML, but none that we accept.
struct refused : std::runtime_error {
  explicit refused(mistake m) : std::runtime_error(m.message), why(std::move(m)) {}
  mistake why;
};

/// Makes the tree from the parser's events and keeps it within the limits.
class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(std::string_view text) : text_(text) {
    // The parser does not count it.
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text_.starts_with(byte_order_mark))
      text_.remove_prefix(byte_order_mark.size());
  }

  yaml_node::pointer root = std::make_shared<yaml_node>();

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(begun_, true))
      throw refused{at(mark, text_.find("\n---") != std::string_view::npos
                                 || text_.find("...") != std::string_view::npos
                               ? "a second document begins here; expected one document per file"
                               : "this is of another kind than what stands above it; expected "
                                 "one map or one list in the file")};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, {make(mark, yaml_node::shape::null), anchor});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw refused{at(mark, "this alias stands inside the value it names; expected an alias of a "
                             "value that is complete")};
    add(mark, found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.find('\0') != std::string::npos)
      throw refused{at(mark, "the text contains a NUL character, which no program can be given")};
    check_tag(mark, tag, {"str", "int", "float", "bool", "null"});
    check_end(mark);
    auto node = make(mark, yaml_node::shape::text);
    node->text = value;
    node->quoted = tag == "!";
    add(mark, {node, anchor});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, {"seq"});
    open(mark, yaml_node::shape::list, anchor);
  }
  void OnSequenceEnd() override {
    close();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, {"map"});
    open(mark, yaml_node::shape::map, anchor);
  }
  void OnMapEnd() override {
    close();
  }

private:
  /// A value, its extent with every alias expanded, and while it is open its key without value.
  struct piece {
    std::shared_ptr<yaml_node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::size_t values = 1;
    std::size_t depth = 1;
    yaml_node::pointer key;
    YAML::Mark mark;
  };

  /// What the parser makes up itself are `?` and `!`, of a text in quotes.
  static void check_tag(const YAML::Mark& mark, std::string tag,
                        std::initializer_list<std::string_view> core) {
    constexpr std::string_view core_prefix = "tag:yaml.org,2002:";
    if (tag.empty() || tag == "?" || tag == "!")
      return;
    if (tag.starts_with(core_prefix)) {
      tag.erase(0, core_prefix.size());
      if (std::find(core.begin(), core.end(), tag) != core.end())
        return;
      tag.insert(0, "!!");
    }
    throw refused{
      at(mark, fmt::format("the tag {} means nothing here; expected the value alone, as "
                           "its text, or in quotes if it begins with `!`",
                           in_ticks(tag)))};
  }

  /// The parser lets the end of the file end a text in quotes.
  void check_end(const YAML::Mark& mark) const {
    auto begin = static_cast<std::size_t>(std::max(mark.pos, 0));
    // Anchor and tag stand before it.
    while (begin < text_.size() && (text_[begin] == '&' || text_[begin] == '!'))
      begin = text_.find_first_not_of(" \t\r\n", text_.find_first_of(" \t\r\n", begin));
    if (begin >= text_.size() || (text_[begin] != '"' && text_[begin] != '\''))
      return;
    char quote = text_[begin];
    for (auto i = begin + 1; i < text_.size(); ++i) {
      bool is_escape = quote == '"' ? text_[i] == '\\' : text_.substr(i, 2) == "''";
      if (is_escape)
        ++i;
      else if (text_[i] == quote)
        return;
    }
    throw refused{at(mark, fmt::format("the text that this `{0}` begins is not ended in the whole "
                                       "file; expected a second `{0}` at its end",
                                       quote))};
  }

  static std::shared_ptr<yaml_node> make(const YAML::Mark& mark, yaml_node::shape kind) {
    auto node = std::make_shared<yaml_node>();
    auto position = at(mark, {});
    node->line = position.line;
    node->column = position.column;
    node->kind = kind;
    return node;
  }

  void open(const YAML::Mark& mark, yaml_node::shape kind, YAML::anchor_t anchor) {
    if (open_.size() >= max_depth)
      throw refused{too_deep(mark)};
    open_.push_back({make(mark, kind), anchor, 1, 1, nullptr, mark});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    auto mark = done.mark;
    add(mark, std::move(done));
  }

  void add(const YAML::Mark& mark, piece done) {
    if (done.anchor != YAML::NullAnchor)
      anchors_.insert_or_assign(done.anchor, done);
    if (open_.empty()) {
      root = done.node;
      return;
    }
    auto& parent = open_.back();
    parent.values += done.values;
    parent.depth = std::max(parent.depth, done.depth + 1);
    if (parent.values > max_values)
      throw refused{at(mark, fmt::format("the file holds more than {} values here, aliases "
                                         "expanded; expected fewer",
                                         max_values))};
    if (parent.depth > max_depth)
      throw refused{too_deep(mark)};
    if (parent.node->kind == yaml_node::shape::list)
      parent.node->items.push_back(done.node);
    else if (!parent.key)
      parent.key = done.node;
    else
      parent.node->entries.push_back({std::exchange(parent.key, nullptr), done.node});
  }

  static mistake too_deep(const YAML::Mark& mark) {
    return at(mark, fmt::format("values are nested more than {} levels deep; expected at most {}",
                                max_depth, max_depth));
  }

  std::string_view text_;
  std::vector<piece> open_;
  std::map<YAML::anchor_t, piece> anchors_;
  bool begun_ = false;
};

} // namespace

std::variant<yaml_node::pointer, mistake> read_yaml(const std::string& text) {
  if (text.size() > max_yaml_bytes)
    return mistake{
      1, 1, fmt::format("the file has {} bytes; expected at most {}", text.size(), max_yaml_bytes)};
  if (auto bad = first_not_text(text))
    return mistake{bad->line, bad->column,
                   "this is no text; expected YAML in UTF-8 without control characters"};
  try {
    std::istringstream stream{text};
    YAML::Parser parser{stream};
    tree_builder builder{text};
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.root;
  } catch (const refused& e) {
    return e.why;
  } catch (const YAML::Exception& e) {
    return in_plain_words(text, at(e.mark, e.msg));
  } catch (const std::exception& e) {
    return mistake{1, 1, fmt::format("the file cannot be read as YAML: {}", e.what())};
  }
}

} // namespace deployminator::configs
