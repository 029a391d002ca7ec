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

std::string host_of(const std::string& url) {
  auto seen = public_url(url);
  auto scheme = seen.find("://");
  if (scheme == std::string::npos)
    return {};
  return seen.substr(scheme + 3, seen.find('/', scheme + 3) - scheme - 3);
}

std::string file_name_of(const std::string& url) {
  auto seen = public_url(url);
  return seen.substr(seen.find_last_of('/') + 1);
}

} // namespace deployminator::messages
