#pragma once

#include "deploy-configs/mistake.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace deployminator::configs {

/// A value of a YAML document and where it stands; line and column count from 1. An alias shares
/// the value it names, so a document is small even where it expands to much.
struct yaml_node {
  enum class shape { null, text, list, map };
  using pointer = std::shared_ptr<const yaml_node>;
  struct entry {
    pointer key;
    pointer value;
  };

  std::size_t line = 1;
  std::size_t column = 1;
  shape kind = shape::null;
  /// Filled for `text`. Valid UTF-8 without NUL characters.
  std::string text;
  /// Written in quotes, so that `"<<"` is no merge key.
  bool quoted = false;
  /// Filled for `list`.
  std::vector<pointer> items;
  /// Filled for `map`, in the order of the file; a key may stand there twice.
  std::vector<entry> entries;
};

/// No larger text is looked at.
inline constexpr std::size_t max_yaml_bytes = std::size_t{1024} * 1024;

/// Reads a text that holds one YAML document; an empty one yields `null`. A mistake where it is no
/// YAML, larger than `max_yaml_bytes`, nested more than 64 levels deep, or expands through aliases
/// to more than 200000 values. Never throws.
std::variant<yaml_node::pointer, mistake> read_yaml(const std::string& text);

} // namespace deployminator::configs
