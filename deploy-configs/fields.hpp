#pragma once

#include "deploy-configs/mistake.hpp"
#include "deploy-configs/yaml_document.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace deployminator::configs {

/// Reads the values of one map by their keys, which match in any case, with `<<` merged in. Every
/// way to read a key makes it known; `finish` reports the keys that nobody knows. What is wrong is
/// added to the mistakes and then counts as absent, as does a value of `~` or nothing.
class fields {
public:
  enum class letters { any_case, as_written };

  /// `what` names the map in messages: "an application". The list must outlive this.
  fields(const yaml_node& map, std::string what, std::vector<mistake>& mistakes,
         letters keys = letters::any_case);

  /// The key's value, of any shape.
  const yaml_node* find(std::string_view key);

  /// The key's single value; `expected` tells what belongs there: "a URL".
  const yaml_node* find_text(std::string_view key, std::string_view expected);

  /// The key's list.
  const yaml_node* find_list(std::string_view key, std::string_view expected);

  /// Sets `out` to the key's value as `parse` (a function that yields an optional) reads it.
  template <class T, class Parse>
  void read(std::string_view key, T& out, Parse parse, std::string_view expected) {
    const auto* node = find_text(key, expected);
    if (node == nullptr)
      return;
    if (auto value = parse(node->text))
      out = static_cast<T>(*std::move(value));
    else
      fail_expected(key, *node, expected);
  }

  /// The same, and where the value is wrong but what was meant is clear, `meant` (a function that
  /// yields an optional text) tells how to write it.
  template <class T, class Parse, class Meant>
  void read(std::string_view key, T& out, Parse parse, std::string_view expected, Meant meant) {
    std::string told{expected};
    if (const auto* node = find(key); node != nullptr && node->kind == yaml_node::shape::text)
      if (std::optional<std::string> hint = meant(node->text))
        told += *hint;
    read(key, out, parse, told);
  }

  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read_integer(std::string_view key, std::int64_t low, std::int64_t high,
                    const std::function<void(std::int64_t)>& use);
  /// The same, of a size: one with a unit is refused with what it is in megabytes.
  void read_megabytes(std::string_view key, std::int64_t low, std::int64_t high,
                      const std::function<void(std::int64_t)>& use);

  /// Reads the map below the key with `use`, which need not call `finish`.
  void nested(std::string_view key, const std::function<void(fields&)>& use,
              letters keys = letters::any_case);

  /// Calls `use` with each key and its value, `null` included, where people choose the keys.
  void each(const std::function<void(const yaml_node& key, const yaml_node& value)>& use) const;

  /// Every value is refused but the single ones in `allowed` (in lower case).
  void refuse_unless(std::string_view key, const std::set<std::string>& allowed,
                     std::string_view advice);

  /// Adds a mistake; after a thousand of them more would help nobody and are left out.
  void fail(const yaml_node& at, std::string message);
  void fail_expected(std::string_view key, const yaml_node& at, std::string_view expected);

  /// Reports keys that were never asked for, with the one that was probably meant.
  void finish();

private:
  struct field {
    const yaml_node* key;
    const yaml_node* value;
  };

  void collect(const yaml_node& map);
  void merge(const yaml_node& value);

  std::string what_;
  std::vector<mistake>& mistakes_;
  letters keys_;
  /// By the key, in lower case if the case does not count.
  std::map<std::string, field, std::less<>> fields_;
  std::vector<std::string> known_;
};

/// "a list", "a map", … for messages.
std::string_view shape_of(const yaml_node& node);

} // namespace deployminator::configs
