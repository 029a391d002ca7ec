#pragma once

#include "deploy-configs/deploy_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

namespace deployminator::configs {

/// The text of a file of deploy-configs/examples.
inline std::string example(const std::string& name) {
  std::ifstream in{std::string{DEPLOYMINATOR_EXAMPLES} + "/" + name};
  REQUIRE(in);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Every mistake as `line:column: message`, one a line.
inline std::string to_lines(const std::vector<mistake>& mistakes) {
  std::string out;
  for (const auto& each : mistakes)
    out += fmt::format("{}:{}: {}\n", each.line, each.column, each.message);
  return out;
}

/// The definition in a text that must have no mistake.
inline deploy_file read_valid(const std::string& text) {
  auto result = read_deploy_file(text);
  if (auto* mistakes = std::get_if<std::vector<mistake>>(&result))
    FAIL(to_lines(*mistakes));
  return std::get<deploy_file>(std::move(result));
}

/// The mistakes of a text that must have some.
inline std::string mistakes_of(const std::string& text) {
  auto result = read_deploy_file(text);
  auto* mistakes = std::get_if<std::vector<mistake>>(&result);
  return mistakes != nullptr ? to_lines(*mistakes) : "";
}

/// A file with one application `b` that holds `lines`, which begin in line 6, column 9.
inline std::string in_application(const std::string& lines) {
  std::string out = "namespace: n\n"
                    "groups:\n"
                    "  - groupid: g\n"
                    "    applications:\n"
                    "      - binary: b\n";
  std::istringstream in{lines};
  for (std::string line; std::getline(in, line);)
    out += "        " + line + "\n";
  return out;
}

/// The application of a file that must have exactly one.
inline messages::application read_application_of(const std::string& text) {
  auto file = read_valid(text);
  REQUIRE(file.groups.size() == 1);
  REQUIRE(file.groups[0].applications.size() == 1);
  return file.groups[0].applications[0];
}

} // namespace deployminator::configs
