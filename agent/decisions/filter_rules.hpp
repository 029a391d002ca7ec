#pragma once

#include "agent/outside.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The packet filter's rules for public ports, as text for nftables.
///
/// In each of the tables `ip` and `ip6 autodeployer_table` one map holds what leads where, and is
/// replaced in one transaction. Only connections to addresses of this machine are led elsewhere,
/// from outside (`autodeployer`, in prerouting) and from the machine itself (`output`). A
/// connection's first packet gives the connection the mark 412, and every packet of it gets the
/// packet mark from there, for a nat chain sees no other packet than the first. That is done right
/// after the address was translated, so that `meta mark 412 accept` works in any chain of `input`,
/// and in those of `output` from priority -90 on.
namespace deployminator::agent {

/// What the rules depend on beside the ports.
struct filter_kernel {
  /// Before Linux 4.18 the replies of a connection are translated only where chains of type nat are
  /// registered for their way as well, with or without rules.
  bool needs_chains_for_replies = false;
  /// It has IPv6.
  bool has_ipv6 = true;
};

/// For the release that uname tells, such as `6.1.0-13-amd64`. One that cannot be read counts as
/// new.
filter_kernel filter_kernel_of(std::string_view release, bool has_ipv6);

/// The tables as `nft -y list table` prints them, one after the other.
std::string filter_tables(const port_map& ports, const filter_kernel& kernel);

/// A transaction that makes the tables exactly these, whatever was in them, or not there.
std::string write_filter_tables(const port_map& ports, const filter_kernel& kernel);

/// A transaction that replaces what leads where in tables that are whole otherwise.
std::string switch_filter_tables(const port_map& ports, const filter_kernel& kernel);

/// The families of the tables: `ip`, and `ip6` where the kernel has it.
std::vector<std::string_view> filter_families(const filter_kernel& kernel);

inline constexpr std::string_view filter_table_name = "autodeployer_table";

} // namespace deployminator::agent
