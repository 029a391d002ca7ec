#include "agent/decisions/content_kind.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>

namespace deployminator::agent {

namespace {

using namespace std::literals;

template <std::size_t N>
bool begins_with_any(std::string_view head, const std::array<std::string_view, N>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view each) { return head.starts_with(each); });
}

/// A header of a tar archive has the sum of its own bytes in it; a block of zeros ends one.
bool is_tar(std::string_view head) {
  constexpr std::size_t sum_at = 148;
  constexpr std::size_t sum_size = 8;
  if (head.size() < content_head)
    return false;
  unsigned sum = ' ' * sum_size;
  for (std::size_t n = 0; n < content_head; ++n)
    if (n < sum_at || n >= sum_at + sum_size)
      sum += static_cast<unsigned char>(head[n]);
  if (sum == ' ' * sum_size)
    return true;
  auto text = head.substr(sum_at, sum_size);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  unsigned stored = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), stored, 8);
  return read.ec == std::errc{} && stored == sum;
}

/// The first entry of a jar is its manifest, or the directory of that.
bool is_jar(std::string_view head) {
  constexpr std::size_t name_at = 30;
  return head.starts_with("PK\3\4"sv) && head.size() > name_at
         && head.substr(name_at).starts_with("META-INF/");
}

bool is_page(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf"))
    head.remove_prefix(3);
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  std::string begin{head.substr(0, 16)};
  std::transform(begin.begin(), begin.end(), begin.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return begins_with_any(std::string_view{begin},
                         std::array{"<!doctype html"sv, "<html"sv, "<head"sv});
}

} // namespace

content_kind kind_of_content(std::string_view head) {
  if (head.empty())
    return content_kind::nothing;
  if (begins_with_any(head, std::array{"\x1f\x8b\x08"sv, "\xfd\x37zXZ\0"sv, "\x28\xb5\x2f\xfd"sv})
      || (head.starts_with("BZh") && head.size() > 3 && head[3] >= '1' && head[3] <= '9'))
    return content_kind::compressed;
  if (begins_with_any(head, std::array{"\x7f\x45LF"sv, "#!"sv}) || is_jar(head))
    return content_kind::program;
  if (begins_with_any(head, std::array{"PK\3\4"sv, "PK\5\6"sv}) || is_tar(head))
    return content_kind::archive;
  return is_page(head) ? content_kind::page : content_kind::other;
}

} // namespace deployminator::agent
