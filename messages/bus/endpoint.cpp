#include "messages/bus/endpoint.hpp"

namespace deployminator::bus {

namespace {

constexpr std::string_view scheme = "tcp://";

/// `HOST` of `tcp://HOST:PORT`; empty for anything else.
std::string host_of(const std::string& endpoint) {
  auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon < scheme.size())
    return {};
  return endpoint.substr(scheme.size(), colon - scheme.size());
}

} // namespace

std::string reachable(const std::string& endpoint, const std::string& server) {
  auto host = host_of(endpoint);
  bool is_any = host == "*" || host == "0.0.0.0" || host == "[::]";
  auto seen = host_of(server);
  if (!is_any || seen.empty())
    return endpoint;
  return std::string{scheme} + seen + endpoint.substr(endpoint.rfind(':'));
}

} // namespace deployminator::bus
