#include "deploy-configs/endpoint.hpp"

#include "deploy-configs/values.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace deployminator::configs {

namespace {

struct host_and_port {
  std::string host;
  std::string port;
};

/// The parts of `tcp://HOST:PORT`, the host without brackets.
std::optional<host_and_port> tcp_parts(std::string_view endpoint) {
  constexpr std::string_view scheme = "tcp://";
  auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon < scheme.size())
    return std::nullopt;
  auto host = endpoint.substr(scheme.size(), colon - scheme.size());
  if (host.starts_with('[') != host.ends_with(']'))
    return std::nullopt;
  if (host.starts_with('['))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  return host_and_port{std::string{host}, std::string{endpoint.substr(colon + 1)}};
}

} // namespace

bool is_endpoint(std::string_view text, bool bound) {
  if (has_control(text) || text.find(' ') != std::string_view::npos)
    return false;
  if (text.starts_with("ipc://"))
    return text.size() > 6;
  auto parts = tcp_parts(text);
  if (!parts || parts->host.empty() || parts->host.find('/') != std::string::npos)
    return false;
  return (bound && parts->port == "*") || parse_integer(parts->port, bound ? 0 : 1, 65'535);
}

bool is_loopback(std::string_view endpoint) {
  if (endpoint.starts_with("ipc://"))
    return true;
  auto parts = tcp_parts(endpoint);
  if (!parts)
    return false;
  in_addr v4{};
  if (inet_pton(AF_INET, parts->host.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, parts->host.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return lower(parts->host) == "localhost";
}

} // namespace deployminator::configs
