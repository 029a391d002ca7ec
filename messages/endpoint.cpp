#include "messages/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace deployminator::messages {

namespace {

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view ipc_scheme = "ipc://";

failure expected(std::string what) {
  return {failure_code::invalid, std::move(what), {}};
}

bool has_blank_or_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

result<endpoint> parse_path(std::string_view path) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.size() > longest)
    return expected(fmt::format("ipc:// and a path of 1 to {} bytes", longest));
  return endpoint{{}, 0, std::string{path}};
}

/// The host without its brackets; nothing where it is none.
std::optional<std::string> parse_host(std::string_view text) {
  bool bracketed = text.starts_with('[') && text.ends_with(']') && text.size() > 2;
  if (bracketed)
    text = text.substr(1, text.size() - 2);
  bool is_host = !text.empty() && text.find_first_of("/[];,") == std::string_view::npos
                 && (bracketed || text.find(':') == std::string_view::npos);
  return is_host ? std::optional{std::string{text}} : std::nullopt;
}

result<endpoint> parse_tcp(std::string_view rest, endpoint_use use) {
  const auto* an_address = "an address such as tcp://127.0.0.1:4001";
  auto colon = rest.rfind(':');
  auto host = colon == std::string_view::npos ? std::nullopt : parse_host(rest.substr(0, colon));
  if (!host)
    return expected(an_address);
  auto digits = rest.substr(colon + 1);
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  if (digits == "*" || (is_number && port == 0))
    return expected("a port from 1 to 65535: one that is chosen anew with each start, nobody else "
                    "would know");
  if (!is_number)
    return expected(an_address);
  if (*host == "*" && use == endpoint_use::connect)
    return expected("the name or address of one machine: `*` is all addresses of the one that "
                    "listens");
  return endpoint{std::move(*host), port, {}};
}

} // namespace

bool endpoint::is_any_address() const {
  return host == "*" || host == "0.0.0.0" || host == "::";
}

result<endpoint> parse_endpoint(std::string_view text, endpoint_use use) {
  if (!has_blank_or_control(text) && text.starts_with(ipc_scheme))
    return parse_path(text.substr(ipc_scheme.size()));
  if (!has_blank_or_control(text) && text.starts_with(tcp_scheme))
    return parse_tcp(text.substr(tcp_scheme.size()), use);
  return expected("an address such as tcp://127.0.0.1:4001");
}

std::string tcp_endpoint(const std::string& host, std::uint16_t port) {
  bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}", tcp_scheme, is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

bool is_loopback(std::string_view text) {
  auto at = parse_endpoint(text, endpoint_use::listen);
  if (!at)
    return false;
  in_addr v4{};
  if (inet_pton(AF_INET, at->host.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, at->host.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return at->host.empty() || strcasecmp(at->host.c_str(), "localhost") == 0;
}

} // namespace deployminator::messages
