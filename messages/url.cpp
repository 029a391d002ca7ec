#include "messages/url.hpp"

namespace deployminator::messages {

std::string public_url(const std::string& url) {
  auto scheme = url.find("://");
  if (scheme == std::string::npos)
    return url;
  auto out = url.substr(0, url.find_first_of("?#"));
  auto host = scheme + 3;
  auto path = out.find('/', host);
  auto at = out.rfind('@', path);
  if (at != std::string::npos && at >= host)
    out.erase(host, at + 1 - host);
  return out;
}

} // namespace deployminator::messages
