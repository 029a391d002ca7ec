#include "agent/decisions/filter_rules.hpp"

#include <fmt/format.h>

#include <charconv>

namespace deployminator::agent {

namespace {

constexpr std::string_view chains = R"(
	chain autodeployer {
		type nat hook prerouting priority 0; policy accept;
		fib daddr type local tcp dport @public_ports ct mark set 0x0000019c dnat to :tcp dport map @ports
	}

	chain output {
		type nat hook output priority -100; policy accept;
		fib daddr type local tcp dport @public_ports ct mark set 0x0000019c dnat to :tcp dport map @ports
	}

	chain mark_incoming {
		type filter hook prerouting priority 1; policy accept;
		ct status dnat ct mark 0x0000019c meta mark set ct mark
	}

	chain mark_outgoing {
		type filter hook output priority -90; policy accept;
		ct status dnat ct mark 0x0000019c meta mark set ct mark
	}
)";

/// For connections that were led elsewhere in prerouting, and in output.
constexpr std::string_view chains_for_replies = R"(
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
	}

	chain input {
		type nat hook input priority 100; policy accept;
	}
)";

/// `80 : 4100, 443 : 4101`
std::string map_elements(const port_map& ports) {
  std::string out;
  for (const auto& [from, to] : ports)
    out += fmt::format("{}{} : {}", out.empty() ? "" : ", ", from, to);
  return out;
}

/// `80, 443`
std::string set_elements(const port_map& ports) {
  std::string out;
  for (const auto& [from, to] : ports)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", from);
  return out;
}

std::string elements_line(const std::string& elements) {
  return elements.empty() ? "" : fmt::format("\t\telements = {{ {} }}\n", elements);
}

std::string table(std::string_view family, const port_map& ports, const filter_kernel& kernel) {
  return fmt::format("table {} {} {{\n"
                     "\tmap ports {{\n"
                     "\t\ttype inet_service : inet_service\n"
                     "{}"
                     "\t}}\n"
                     "\n"
                     "\tset public_ports {{\n"
                     "\t\ttype inet_service\n"
                     "{}"
                     "\t}}\n"
                     "{}{}"
                     "}}\n",
                     family, filter_table_name, elements_line(map_elements(ports)),
                     elements_line(set_elements(ports)), chains,
                     kernel.needs_chains_for_replies ? chains_for_replies : "");
}

} // namespace

filter_kernel filter_kernel_of(std::string_view release, bool has_ipv6) {
  int major = 0;
  int minor = 0;
  const auto* end = release.data() + release.size();
  auto [dot, error] = std::from_chars(release.data(), end, major);
  if (error != std::errc{} || dot == end || *dot != '.'
      || std::from_chars(dot + 1, end, minor).ec != std::errc{})
    return {false, has_ipv6};
  return {major < 4 || (major == 4 && minor < 18), has_ipv6};
}

std::vector<std::string_view> filter_families(const filter_kernel& kernel) {
  return kernel.has_ipv6 ? std::vector<std::string_view>{"ip", "ip6"}
                         : std::vector<std::string_view>{"ip"};
}

std::string filter_tables(const port_map& ports, const filter_kernel& kernel) {
  std::string out;
  for (auto family : filter_families(kernel))
    out += table(family, ports, kernel);
  return out;
}

std::string write_filter_tables(const port_map& ports, const filter_kernel& kernel) {
  std::string out;
  // Added first so that there is one to delete.
  for (auto family : filter_families(kernel))
    out += fmt::format("add table {0} {1}\ndelete table {0} {1}\n", family, filter_table_name);
  return out + filter_tables(ports, kernel);
}

std::string switch_filter_tables(const port_map& ports, const filter_kernel& kernel) {
  std::string out;
  for (auto family : filter_families(kernel)) {
    out += fmt::format("flush map {0} {1} ports\nflush set {0} {1} public_ports\n", family,
                       filter_table_name);
    if (!ports.empty())
      out += fmt::format("add element {0} {1} ports {{ {2} }}\n"
                         "add element {0} {1} public_ports {{ {3} }}\n",
                         family, filter_table_name, map_elements(ports), set_elements(ports));
  }
  return out;
}

} // namespace deployminator::agent
