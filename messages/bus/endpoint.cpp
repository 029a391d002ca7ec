#include "messages/bus/endpoint.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <netdb.h>
#include <strings.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace deployminator::bus {

using messages::endpoint_use;
using messages::failure;
using messages::failure_code;

namespace {

bool is_number(const std::string& host) {
  in6_addr any{};
  return inet_pton(AF_INET, host.c_str(), &any) == 1
         || inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

} // namespace

std::string reachable(const std::string& endpoint, const std::string& server) {
  auto named = messages::parse_endpoint(endpoint, endpoint_use::listen);
  auto seen = messages::parse_endpoint(server, endpoint_use::connect);
  if (!named || !named->is_any_address() || !seen || seen->host.empty())
    return endpoint;
  return messages::tcp_endpoint(seen->host, named->port);
}

messages::result<std::string> bind_address(const messages::endpoint& at) {
  const auto& host = at.host;
  if (host.empty())
    return "ipc://" + at.path;
  if (strcasecmp(host.c_str(), "localhost") == 0)
    return messages::tcp_endpoint("127.0.0.1", at.port);
  if (host == "*" || is_number(host) || if_nametoindex(host.c_str()) != 0)
    return messages::tcp_endpoint(host, at.port);
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(host.c_str(), nullptr, &wanted, &found))
    return failure{failure_code::invalid,
                   fmt::format("cannot listen on {}: the name {} leads to no address: {}",
                               messages::tcp_endpoint(host, at.port), host, gai_strerror(error)),
                   "use an address of this machine, or tcp://*:PORT for all of them"};
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{found, freeaddrinfo};
  std::array<char, INET_ADDRSTRLEN> text{};
  const auto* first = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  inet_ntop(AF_INET, &first->sin_addr, text.data(), text.size());
  return messages::tcp_endpoint(text.data(), at.port);
}

} // namespace deployminator::bus
