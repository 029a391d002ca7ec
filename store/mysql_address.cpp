#include "store/mysql_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

constexpr std::string_view mysql_scheme = "mysql://";

bool is_loopback_host(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// What is before `mark`, which goes with it; nothing where there is no mark.
std::optional<std::string> cut(std::string_view& text, std::string_view mark) {
  auto end = text.find(mark);
  if (end == std::string_view::npos)
    return {};
  std::string before{text.substr(0, end)};
  text.remove_prefix(end + mark.size());
  return before;
}

bool read_host(std::string_view text, mysql_address& to) {
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    auto host = cut(text, "]");
    if (!host)
      return false;
    to.host = *host;
  } else {
    auto end = std::min(text.find(':'), text.size());
    to.host = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (to.host.empty() || text.empty())
    return !to.host.empty();
  const auto* end = text.data() + text.size();
  auto read = std::from_chars(text.data() + 1, end, to.port);
  return text.front() == ':' && read.ec == std::errc{} && read.ptr == end && to.port != 0;
}

bool read_options(std::string_view text, mysql_address& to) {
  while (!text.empty()) {
    auto pair = cut(text, "&");
    std::string_view option = pair ? std::string_view{*pair} : text;
    if (option == "tls=required")
      to.needs_tls = true;
    else if (option == "tls=off")
      to.needs_tls = false;
    else if (option.starts_with("ca=/"))
      to.ca_file = option.substr(3);
    else
      return false;
    if (!pair)
      return true;
  }
  return true;
}

/// The database's name stands in SQL text where it is made.
bool is_plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '-';
  });
}

bool read_all(std::string_view text, mysql_address& to) {
  text.remove_prefix(mysql_scheme.size());
  auto user = cut(text, "@");
  auto host = cut(text, "/");
  if (!user || user->empty() || user->find(':') != std::string::npos || !host
      || !read_host(*host, to))
    return false;
  to.user = *user;
  to.needs_tls = !is_loopback_host(to.host);
  if (auto database = cut(text, "?")) {
    to.database = *database;
    if (!read_options(text, to))
      return false;
  } else {
    to.database = text;
  }
  return is_plain_name(to.database) && (to.ca_file.empty() || to.needs_tls);
}

} // namespace

std::string mysql_address::text() const {
  bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("mysql://{}@{}{}{}:{}/{}", user, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
                     port, database);
}

messages::result<mysql_address> mysql_address_of(const std::string& url) {
  mysql_address to;
  if (url.starts_with(mysql_scheme) && read_all(url, to))
    return to;
  return failure{failure_code::invalid,
                 fmt::format("the store \"{}\" is not understood, expected "
                             "mysql://USER@HOST:PORT/DB, with ?tls=required, ?tls=off or "
                             "?ca=/FILE behind it where that is wanted",
                             url),
                 "for example mysql://deployminator@db.example.org:3306/deployminator; the "
                 "password is read from the file that --store-password-file names"};
}

} // namespace deployminator::store
