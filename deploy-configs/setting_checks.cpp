#include "deploy-configs/setting_checks.hpp"

#include "deploy-configs/values.hpp"
#include "messages/endpoint.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace deployminator::configs {

namespace {

expectation check_at_most(const std::string& text, std::uint64_t most) {
  constexpr std::size_t digits = 9;
  bool fits = text.size() <= digits && std::strtoull(text.c_str(), nullptr, 10) <= most;
  return fits ? std::nullopt : expectation{fmt::format("a whole number from 1 to {}", most)};
}

} // namespace

expectation check_bound(const std::string& text) {
  auto parsed = messages::parse_endpoint(text, messages::endpoint_use::listen);
  return parsed ? std::nullopt : expectation{parsed.error().message};
}

expectation check_server(const std::string& text) {
  auto parsed = messages::parse_endpoint(text, messages::endpoint_use::connect);
  return parsed ? std::nullopt : expectation{parsed.error().message};
}

expectation check_store(const std::string& text) {
  constexpr std::string_view sqlite = "sqlite:";
  bool is_one = text.starts_with("mysql://") || (text.starts_with(sqlite) && text != sqlite);
  return is_one ? std::nullopt : expectation{"sqlite:PATH or mysql://USER@HOST:PORT/DB"};
}

std::optional<messages::duration> parse_rotation_time(const std::string& text) {
  constexpr int most_days = 366;
  constexpr int hours_of_day = 24;
  if (!text.ends_with('d'))
    return parse_duration(text);
  auto days = parse_integer(std::string_view{text}.substr(0, text.size() - 1), 1, most_days);
  return days ? std::optional<messages::duration>{std::chrono::hours{*days * hours_of_day}}
              : std::nullopt;
}

expectation check_rotation_time(const std::string& text) {
  return parse_rotation_time(text) ? std::nullopt : expectation{"a time such as 7d, 12h or 90s"};
}

expectation check_machine_name(const std::string& text) {
  return is_safe_name(text, messages::longest_machine_name)
           ? std::nullopt
           : expectation{"letters, digits, `.`, `_` and `-`, at most 253, not beginning with `.` "
                         "or `-`"};
}

expectation check_group_name(const std::string& text) {
  return is_safe_name(text) ? std::nullopt : expectation{safe_name_expected};
}

expectation check_log_size(const std::string& text) {
  return check_at_most(text, 1'000'000);
}

expectation check_days(const std::string& text) {
  return check_at_most(text, 3'650);
}

expectation check_static_root(const std::string& text) {
  std::filesystem::path path{text};
  bool is_plain = path.is_absolute() && path.has_filename() && path.lexically_normal() == path;
  return is_plain
           ? std::nullopt
           : expectation{"an absolute directory other than /, such as /srv/www, without `..` "
                         "and without `/` at its end"};
}

expectation check_kept(const std::string& text) {
  return check_at_most(text, 10'000'000);
}

expectation check_overcommit(const std::string& text) {
  return parse_overcommit(text) ? std::nullopt
                                : expectation{"a percentage from 1% to 10000%, or `none`"};
}

expectation check_replace_after(const std::string& text) {
  return parse_replace_after(text) ? std::nullopt : expectation{"a duration such as 5m, or never"};
}

expectation check_share(const std::string& text) {
  return parse_share(text) ? std::nullopt : expectation{"a part such as 1/3"};
}

} // namespace deployminator::configs
