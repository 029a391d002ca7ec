#include "agent/linux/nft_packet_filter.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sched.h>
#include <string>
#include <unistd.h>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

using namespace deployminator;
using namespace deployminator::agent;
using outcome = packet_filter::outcome;

namespace {

/// Runs nft and returns what it prints.
std::string nft(const std::string& arguments) {
  std::string out;
  auto* pipe = popen(("exec 2>&1; nft " + arguments).c_str(), "r");
  REQUIRE(pipe);
  std::array<char, 4096> piece{};
  while (auto n = std::fread(piece.data(), 1, piece.size(), pipe))
    out.append(piece.data(), n);
  pclose(pipe);
  return out;
}

/// A network namespace of this test's own, so that it touches no rules of the machine.
struct own_network {
  own_network() {
    if (enter() && nft("list ruleset").empty())
      return;
    MESSAGE("skipped: this needs a network namespace of its own, so root or user namespaces");
    skipped = true;
  }

  /// Who is not root becomes root of a user namespace, so that nft has the right as well.
  static bool enter() {
    auto uid = geteuid();
    if (uid == 0)
      return unshare(CLONE_NEWNET) == 0;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
           && static_cast<bool>(std::ofstream{"/proc/self/uid_map"} << "0 " << uid << " 1"
                                                                    << std::flush);
  }

  /// Nothing but our tables, as nft prints them.
  static std::string tables() {
    return nft("-y list table ip autodeployer_table") + nft("-y list table ip6 autodeployer_table");
  }

  bool skipped = false;
  nft_packet_filter filter;
};

outcome led(packet_filter& filter, const port_map& wanted) {
  auto done = filter.lead(wanted);
  REQUIRE_MESSAGE(done, done.error().message);
  return *done;
}

/// With the numbers of chains and rules, which are new when they are made anew.
std::string numbered_chains() {
  auto text = nft("-a -t list table ip autodeployer_table");
  return text.substr(text.find("chain"));
}

constexpr auto foreign = R"(-f - <<'E'
table ip nat {
  chain prerouting {
    type nat hook prerouting priority -100
    tcp dport 26 dnat to :25
  }
}
table inet filter {
  chain input {
    type filter hook input priority 0
    meta mark 412 counter accept
  }
}
E
)";

} // namespace

TEST_CASE_FIXTURE(own_network, "where no port is public no rule is made") {
  if (skipped)
    return;
  CHECK(led(filter, {}) == outcome::unchanged);
  CHECK(nft("list ruleset") == "");
}

TEST_CASE_FIXTURE(own_network, "the kernel has the rules as they were written") {
  if (skipped)
    return;
  for (const auto& ports : {port_map{{80, 4100}}, port_map{}, port_map{{80, 4101}, {443, 4102}}}) {
    CHECK(led(filter, ports) == outcome::switched);
    CHECK(tables() == filter_tables(ports, {}));
    CHECK(led(filter, ports) == outcome::unchanged);
  }
}

TEST_CASE_FIXTURE(own_network, "many ports are listed as they were written") {
  if (skipped)
    return;
  port_map many;
  for (int port = 1; port <= 300; ++port)
    many[static_cast<std::uint16_t>(port)] = static_cast<std::uint16_t>(5000 + port);
  CHECK(led(filter, many) == outcome::switched);
  nft_packet_filter next;
  CHECK(led(next, many) == outcome::unchanged);
}

TEST_CASE_FIXTURE(
  own_network, "the next agent finds the rules as they are and switches without making them anew") {
  if (skipped)
    return;
  led(filter, {{80, 4100}});
  auto chains = numbered_chains();
  nft_packet_filter next;
  CHECK(led(next, {{80, 4100}}) == outcome::unchanged);
  CHECK(led(next, {{80, 4101}}) == outcome::switched);
  CHECK(numbered_chains() == chains);
  CHECK(tables() == filter_tables({{80, 4101}}, {}));
}

TEST_CASE_FIXTURE(own_network, "what somebody did to the rules is undone") {
  if (skipped)
    return;
  port_map ports{{80, 4100}};
  for (const auto* deed :
       {"flush ruleset", "delete table ip autodeployer_table",
        "delete table ip6 autodeployer_table", "flush chain ip autodeployer_table autodeployer",
        "add rule ip autodeployer_table output tcp dport 99 drop",
        "delete element ip autodeployer_table ports '{ 80 }'",
        "add element ip6 autodeployer_table ports '{ 81 : 5 }'",
        "add table ip autodeployer_table '{ flags dormant; }'"}) {
    led(filter, ports);
    CHECK(nft(deed) == "");
    CHECK_MESSAGE(led(filter, ports) == outcome::put_back, deed);
    CHECK(tables() == filter_tables(ports, {}));
  }
  nft("flush ruleset");
  CHECK(led(filter, {{80, 4101}}) == outcome::put_back);
}

TEST_CASE_FIXTURE(own_network, "rules of others stay as they are, byte for byte") {
  if (skipped)
    return;
  REQUIRE(nft(foreign) == "");
  auto before = nft("-a list ruleset");
  for (int i = 0; i < 20; ++i)
    led(filter, {{80, static_cast<std::uint16_t>(4100 + i)}});
  CHECK(nft("-a list table ip nat") + nft("-a list table inet filter") == before);
  nft("delete table ip autodeployer_table");
  nft("delete table ip6 autodeployer_table");
  CHECK(nft("-a list ruleset") == before);
}

TEST_CASE_FIXTURE(own_network, "the printed rules can be loaded, over those that are there") {
  if (skipped)
    return;
  led(filter, {{80, 4100}});
  auto rules = rules_of_this_machine({{81, 4105}});
  CHECK(nft("-f - <<'E'\n" + rules + "E\n") == "");
  CHECK(tables() == filter_tables({{81, 4105}}, {}));
}

TEST_CASE_FIXTURE(own_network, "chains for the replies, which old kernels need, can be loaded") {
  if (skipped)
    return;
  filter_kernel old{.needs_chains_for_replies = true};
  CHECK(nft("-f - <<'E'\n" + write_filter_tables({{80, 4100}}, old) + "E\n") == "");
  CHECK(tables() == filter_tables({{80, 4100}}, old));
}

TEST_CASE("without the right to it, one sentence says what is missing") {
  // The right goes for good, so it goes in a process of its own.
  auto child = fork();
  if (child == 0) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    bool gone = syscall(SYS_capset, &header, none.data()) == 0;
    nft_packet_filter filter;
    auto done = filter.lead({{80, 4100}});
    std::string said = done ? "it works" : done.error().message;
    bool right = said.find("Operation not permitted") != std::string::npos
                 && said.find("CAP_NET_ADMIN") != std::string::npos
                 && said.find('\n') == std::string::npos;
    _exit(gone && right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
