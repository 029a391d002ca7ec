#include "agent/linux/nft_packet_filter.hpp"

#include "agent/linux/owned_fd.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

filter_kernel kernel_of_this_machine() {
  utsname names{};
  uname(&names);
  return filter_kernel_of(names.release, access("/proc/net/if_inet6", F_OK) == 0);
}

/// Without blanks and line breaks, of which nftables may print more or less.
std::string normalised(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\n'; });
  return text;
}

/// A normalised listing without what leads where.
std::string without_elements(std::string listed) {
  constexpr std::string_view begin = "elements={";
  for (std::size_t at = 0; (at = listed.find(begin, at)) != std::string::npos;) {
    auto end = listed.find('}', at);
    listed.erase(at, end == std::string::npos ? end : end - at + 1);
  }
  return listed;
}

/// Why libnftables cannot be used, or nothing. It would print to stderr without the right, and end
/// the process without the socket.
std::string what_is_missing() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  if (syscall(SYS_capget, &header, held.data()) != 0
      || (held[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) == 0)
    return std::strerror(EPERM);
  owned_fd socket_to_kernel{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
  return socket_to_kernel ? "" : std::strerror(errno);
}

/// libnftables leaves its socket open for the programs that this process starts.
void close_netfilter_sockets_on_exec() {
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator{"/proc/self/fd", error}) {
    auto fd = std::atoi(each.path().filename().c_str());
    int domain = 0, protocol = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK
        && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0
        && protocol == NETLINK_NETFILTER)
      fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

constexpr std::string_view no_such_thing = "No such file or directory";

/// nftables' words for what went wrong, without the place in our commands.
std::string cause_in(std::string_view errors) {
  constexpr std::string_view begin = "Error: ";
  auto at = errors.find(begin);
  if (at != std::string_view::npos)
    errors.remove_prefix(at + begin.size());
  return std::string{errors.substr(0, errors.find('\n'))};
}

failure to_failure(const std::string& errors) {
  return {failure_code::unsupported,
          fmt::format("nftables refuses the rules for the public ports: {}; expected Linux 4.10 or "
                      "newer with nf_tables, nft_fib and nft_nat, and an agent that is root or has "
                      "CAP_NET_ADMIN",
                      cause_in(errors)),
          {}};
}

} // namespace

void nft_packet_filter::context_deleter::operator()(nft_ctx* context) const {
  nft_ctx_free(context);
}

nft_packet_filter::nft_packet_filter() : kernel_(kernel_of_this_machine()) {}

nft_packet_filter::~nft_packet_filter() = default;

result<void> nft_packet_filter::open_context() {
  if (context_)
    return {};
  if (auto missing = what_is_missing(); !missing.empty())
    return failure{failure_code::unsupported, "Error: " + missing, {}};
  context_.reset(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context_)
    return failure{failure_code::internal, "Error: out of memory\n", {}};
  close_netfilter_sockets_on_exec();
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_NUMERIC_PRIO);
  return {};
}

/// Runs commands in one transaction and returns what they print; the failure's message is what
/// nftables prints.
result<std::string> nft_packet_filter::run(const std::string& commands) {
  if (auto open = open_context(); !open)
    return open.error();
  auto failed = nft_run_cmd_from_buffer(context_.get(), commands.c_str()) != 0;
  std::string printed = nft_ctx_get_output_buffer(context_.get());
  std::string errors = nft_ctx_get_error_buffer(context_.get());
  if (failed)
    return failure{failure_code::internal, std::move(errors), {}};
  return printed;
}

result<void> nft_packet_filter::probe() {
  auto listed = listing();
  return listed ? result<void>{} : to_failure(listed.error().message);
}

/// The tables that are there, normalised.
result<std::string> nft_packet_filter::listing() {
  std::string out;
  for (auto family : filter_families(kernel_)) {
    auto table = run(fmt::format("list table {} {}", family, filter_table_name));
    if (table)
      out += normalised(std::move(*table));
    else if (table.error().message.find(no_such_thing) == std::string::npos)
      return to_failure(table.error().message);
  }
  return out;
}

bool nft_packet_filter::is_as_wanted(const std::string& listed, const port_map& wanted) const {
  return listed == normalised(filter_tables(wanted, kernel_))
         || (last_ == wanted && listed == last_listing_);
}

/// Whether the tables are ours, wherever they lead. Another nftables may print them otherwise than
/// we do, so it is enough that they look as they did after we wrote them.
bool nft_packet_filter::is_whole(const std::string& listed) const {
  auto rules = without_elements(listed);
  return rules == normalised(filter_tables({}, kernel_))
         || (!last_listing_.empty() && rules == without_elements(last_listing_));
}

result<void> nft_packet_filter::change(const std::string& listed, const port_map& wanted) {
  if (is_whole(listed) && run(switch_filter_tables(wanted, kernel_)))
    return {};
  auto written = run(write_filter_tables(wanted, kernel_));
  if (!written)
    return to_failure(written.error().message);
  return {};
}

result<packet_filter::outcome> nft_packet_filter::lead(const port_map& wanted) {
  auto before = listing();
  if (!before)
    return before.error();
  bool none_needed = before->empty() && wanted.empty();
  // Most machines have no public ports, and libnftables takes two megabytes.
  if (none_needed)
    context_.reset();
  if (none_needed || is_as_wanted(*before, wanted)) {
    last_ = wanted;
    last_listing_ = *before;
    return outcome::unchanged;
  }
  bool was_touched = last_ && !is_as_wanted(*before, *last_);
  if (auto changed = change(*before, wanted); !changed)
    return changed.error();
  auto after = listing();
  if (!after)
    return after.error();
  last_ = wanted;
  last_listing_ = std::move(*after);
  return was_touched ? outcome::put_back : outcome::switched;
}

std::string rules_of_this_machine(const port_map& ports) {
  return write_filter_tables(ports, kernel_of_this_machine());
}

} // namespace deployminator::agent
