#include "deploy-configs/public_ports_reader.hpp"
#include "messages/result.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace deployminator;
using namespace deployminator::configs;
using messages::public_port_entry;
using messages::public_port_mapping;

namespace {

struct outcome {
  std::vector<public_port_entry> entries;
  std::vector<std::string> mistakes;
};

/// `text` is the value of `applications`.
outcome read(const std::string& text) {
  auto document = read_yaml(text);
  REQUIRE(std::holds_alternative<yaml_node::pointer>(document));
  std::vector<mistake> mistakes;
  outcome out;
  out.entries = read_public_ports(*std::get<yaml_node::pointer>(document), mistakes);
  sort_by_position(mistakes);
  for (const auto& each : mistakes)
    out.mistakes.push_back(to_text("f", each));
  return out;
}

/// The only mistake in an entry with this action port.
std::string mistake_in_port(const std::string& port) {
  auto mistakes = read("- matcher: {binary: web}\n  actionports: [" + port + "]\n").mistakes;
  REQUIRE(mistakes.size() == 1);
  return mistakes[0];
}

/// The value of `applications` in the original's example.
std::string example() {
  std::ifstream file{DEPLOYMINATOR_TEST_SUPPORT "/public_ports.yaml"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  REQUIRE(text.starts_with("applications:\n"));
  return text.substr(text.find('\n') + 1);
}

} // namespace

TEST_CASE("the original's example is read word for word") {
  auto ports = read(example());
  CHECK(ports.mistakes.empty());
  REQUIRE(ports.entries.size() == 2);
  CHECK(ports.entries[0]
        == public_port_entry{
          "lbproxy", "lbproxy", "lbproxy-server", "testing", "lbproxy", {{1, 80}, {2, 443}}});
  CHECK(ports.entries[1]
        == public_port_entry{
          "", "testrepo2", "testbinary2", "mygroup", "namespace2", {{1, 10}, {2, 22}}});
}

TEST_CASE("a repository may be given by its number, but not twice") {
  CHECK(read("- matcher: {repositoryid: 42}\n  actionports: [{portindex: 1, publicport: 80}]\n")
          .entries.at(0)
          .repository
        == "42");
  CHECK(read("- matcher: {repository: a, repositoryid: 42}\n"
             "  actionports: [{portindex: 1, publicport: 80}]\n")
          .mistakes
        == std::vector<std::string>{"f:1:42: `repositoryid` stands beside `repository`; expected "
                                    "one of them: both name the repository"});
}

TEST_CASE("a port that is none, or no whole number, is a mistake at its place") {
  for (const auto* wrong : {"0", "65536", "-1", "http", "80.0", "0x50"})
    CHECK(mistake_in_port(std::string{"{portindex: 1, publicport: "} + wrong + "}")
          == std::string{"f:2:44: `publicport` is `"} + wrong
               + "`; expected a whole number from 1 to 65535");
  for (const auto* wrong : {"0", "101", "-1"})
    CHECK(mistake_in_port(std::string{"{publicport: 80, portindex: "} + wrong + "}")
          == std::string{"f:2:45: `portindex` is `"} + wrong
               + "`; expected a whole number from 1 to 100");
}

TEST_CASE("an action port needs both its numbers") {
  CHECK(mistake_in_port("{portindex: 1}")
        == "f:2:17: this action port has no `publicport`; expected `publicport: NUMBER`");
  CHECK(mistake_in_port("{publicport: 80}")
        == "f:2:17: this action port has no `portindex`; expected `portindex: NUMBER`");
}

TEST_CASE("two entries that claim the same public port are refused, both by name") {
  auto mistakes = read("- label: front\n"
                       "  matcher: {binary: a}\n"
                       "  actionports: [{portindex: 1, publicport: 80}]\n"
                       "- matcher: {binary: b}\n"
                       "  actionports: [{portindex: 1, publicport: 80}]\n")
                    .mistakes;
  CHECK(mistakes
        == std::vector<std::string>{
          "f:5:44: the entry in line 4 claims the public port 80, which the entry `front` claims "
          "in line 3; expected each public port once"});
}

TEST_CASE("an entry without matcher or action ports is a mistake") {
  auto mistakes = read("- label: a\n- matcher: {}\n  actionports: []\n").mistakes;
  CHECK(mistakes
        == std::vector<std::string>{
          "f:1:3: this entry has no `matcher`; expected a map of at least one of `repository`, "
          "`binary`, `groupname` and `namespace`",
          "f:1:3: this entry has no `actionports`; expected a list of maps of `portindex` and "
          "`publicport`",
          "f:2:12: this matcher would match every instance; expected at least one of "
          "`repository`, `binary`, `groupname` and `namespace`",
          "f:3:16: `actionports` is empty; expected a list of maps of `portindex` and "
          "`publicport`"});
}

TEST_CASE("unknown keys and values of the wrong shape are mistakes") {
  auto mistakes = read("- matcher: {binry: a, namespace: b}\n"
                       "  actionports: [7]\n"
                       "  labl: x\n"
                       "- oops\n")
                    .mistakes;
  CHECK(mistakes
        == std::vector<std::string>{
          "f:1:13: unknown key `binry` in `matcher`; did you mean `binary`?",
          "f:2:17: this is a single value; expected an action port, written as `key: value`",
          "f:3:3: unknown key `labl` in an entry of `applications`; did you mean `label`?",
          "f:4:3: this is a single value; expected an entry of `applications`, written as `key: "
          "value`"});
  CHECK(read("lbproxy").mistakes
        == std::vector<std::string>{"f:1:1: `applications` is a single value; expected a list of "
                                    "entries with `label`, `matcher` and `actionports`"});
}
