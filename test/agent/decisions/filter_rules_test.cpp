#include "agent/decisions/filter_rules.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace deployminator::agent;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr filter_kernel new_kernel{};

} // namespace

TEST_CASE("the tables have the names and hooks that the integration with other rules counts on") {
  auto text = filter_tables({{80, 4100}, {443, 4101}}, new_kernel);
  CHECK(text.starts_with("table ip autodeployer_table {\n"));
  CHECK(has(text, "\ntable ip6 autodeployer_table {\n"));
  CHECK(has(text, "chain autodeployer {\n\t\ttype nat hook prerouting priority 0;"));
  CHECK(has(text, "elements = { 80 : 4100, 443 : 4101 }"));
  CHECK(has(text, "elements = { 80, 443 }"));
  CHECK(has(text, "fib daddr type local"));
}

TEST_CASE("a table without ports is whole, and leads nowhere") {
  CHECK_FALSE(has(filter_tables({}, new_kernel), "elements"));
  CHECK(has(filter_tables({}, new_kernel), "chain autodeployer"));
  CHECK_FALSE(has(switch_filter_tables({}, new_kernel), "add element"));
}

TEST_CASE("a kernel before 4.18 gets chains for the replies, a newer one does not") {
  for (const auto* old : {"4.9.0-19-amd64", "4.17.19", "3.16.0", "4.4"})
    CHECK(filter_kernel_of(old, true).needs_chains_for_replies);
  for (const auto* fresh :
       {"4.18.0", "4.19.0-5-amd64", "5.10.0", "6.1.0-13-amd64", "10.0", "odd", ""})
    CHECK_FALSE(filter_kernel_of(fresh, true).needs_chains_for_replies);
  auto text = filter_tables({{80, 4100}}, filter_kernel_of("4.9.0", true));
  CHECK(has(
    text, "chain postrouting {\n\t\ttype nat hook postrouting priority 100; policy accept;\n\t}"));
  CHECK(has(text, "chain input {\n\t\ttype nat hook input priority 100; policy accept;\n\t}"));
  CHECK_FALSE(has(filter_tables({{80, 4100}}, new_kernel), "postrouting"));
}

TEST_CASE("a kernel without IPv6 gets no table for it") {
  filter_kernel kernel{.has_ipv6 = false};
  CHECK_FALSE(has(filter_tables({{80, 4100}}, kernel), "ip6"));
  CHECK_FALSE(has(switch_filter_tables({{80, 4100}}, kernel), "ip6"));
  CHECK_FALSE(has(write_filter_tables({{80, 4100}}, kernel), "ip6"));
}

TEST_CASE("a switch names nothing but the elements of our own tables") {
  CHECK(switch_filter_tables({{80, 4101}}, {.has_ipv6 = false})
        == "flush map ip autodeployer_table ports\n"
           "flush set ip autodeployer_table public_ports\n"
           "add element ip autodeployer_table ports { 80 : 4101 }\n"
           "add element ip autodeployer_table public_ports { 80 }\n");
}
