#include "deploy-configs/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <limits>
#include <numeric>

namespace deployminator::configs {

namespace {

constexpr std::uint32_t max_ports = 100;
constexpr std::int64_t max_count = 100'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

/// The length of the variable that `text` begins with, `${…}` and its brace included.
std::size_t variable_length(std::string_view text) {
  auto end = text.find('}');
  return end == std::string_view::npos ? text.size() : end + 1;
}

} // namespace

std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low,
                                          std::int64_t high) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  auto word = lower(text);
  if (word == "true" || word == "yes" || word == "on")
    return true;
  if (word == "false" || word == "no" || word == "off")
    return false;
  return std::nullopt;
}

std::optional<messages::duration> parse_duration(std::string_view text) {
  auto unit = text.find_first_not_of("0123456789");
  if (unit == std::string_view::npos)
    return std::nullopt;
  auto name = text.substr(unit);
  std::int64_t factor = name == "ms"  ? 1
                        : name == "s" ? 1'000
                        : name == "m" ? 60'000
                        : name == "h" ? 3'600'000
                                      : 0;
  constexpr std::int64_t year = std::int64_t{366} * 24 * 3'600'000;
  auto count = factor == 0 ? std::nullopt : parse_integer(text.substr(0, unit), 0, year / factor);
  if (!count)
    return std::nullopt;
  return messages::duration{*count * factor};
}

std::optional<messages::parallelism> parse_parallelism(std::string_view text) {
  bool percent = text.ends_with('%');
  if (percent)
    text.remove_suffix(1);
  auto value = parse_integer(text, 1, percent ? 100 : max_count);
  if (!value)
    return std::nullopt;
  return messages::parallelism{static_cast<std::uint32_t>(*value), percent};
}

std::optional<backoff_range> parse_backoff(std::string_view text) {
  auto dots = text.find("..");
  if (dots == std::string_view::npos)
    return std::nullopt;
  auto least = parse_duration(trimmed(text.substr(0, dots)));
  auto most = parse_duration(trimmed(text.substr(dots + 2)));
  if (!least || !most || least->count() < 1 || *least > *most)
    return std::nullopt;
  return backoff_range{*least, *most};
}

std::optional<std::uint64_t> parse_cpu_share(std::string_view text) {
  constexpr std::int64_t most_percent = 100'000;
  if (lower(text) == "unlimited")
    return messages::unlimited;
  if (text == "0")
    return 0U;
  if (!text.ends_with('%'))
    return std::nullopt;
  auto percent = parse_integer(text.substr(0, text.size() - 1), 1, most_percent);
  return percent ? std::optional{static_cast<std::uint64_t>(*percent)} : std::nullopt;
}

std::optional<messages::duration> parse_replace_after(std::string_view text) {
  return lower(text) == "never" ? messages::never_replaced : parse_duration(text);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_share(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  auto most = parse_integer(trimmed(text.substr(slash + 1)), 1, max_count);
  auto part = most ? parse_integer(trimmed(text.substr(0, slash)), 0, *most) : std::nullopt;
  if (!part)
    return std::nullopt;
  return std::pair{static_cast<std::uint64_t>(*part), static_cast<std::uint64_t>(*most)};
}

std::optional<give_up_rule> parse_give_up(std::string_view text) {
  if (lower(text) == "never")
    return give_up_rule{};
  auto in = text.find(" in ");
  if (in == std::string_view::npos)
    return std::nullopt;
  auto count = parse_integer(trimmed(text.substr(0, in)), 1, max_count);
  auto window = parse_duration(trimmed(text.substr(in + 4)));
  if (!count || !window || window->count() < 1)
    return std::nullopt;
  return give_up_rule{static_cast<std::uint32_t>(*count), *window};
}

std::optional<int> parse_signal(std::string_view text) {
  if (auto number = parse_integer(text, 1, SIGRTMAX))
    return static_cast<int>(*number);
  auto word = lower(text);
  if (word.starts_with("sig"))
    word.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* name = sigabbrev_np(signal);
    if (name != nullptr && lower(name) == word)
      return signal;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> parse_port_variable(std::string_view text) {
  if (!text.starts_with("${PORT") || !text.ends_with('}'))
    return std::nullopt;
  auto n = parse_integer(text.substr(6, text.size() - 7), 1, max_ports);
  if (!n)
    return std::nullopt;
  return static_cast<std::uint32_t>(*n);
}

std::optional<std::string> wrong_port_variable(std::string_view text) {
  for (auto start = text.find("${"); start != std::string_view::npos;
       start = text.find("${", start + 2)) {
    auto rest = text.substr(start);
    if (lower(rest.substr(0, 6)) != "${port"
        || (rest.size() > 6 && !is_digit(rest[6]) && rest[6] != '}' && rest[6] != '-'))
      continue;
    auto variable = rest.substr(0, variable_length(rest));
    if (!parse_port_variable(variable))
      return std::string{variable};
  }
  return std::nullopt;
}

bool is_sha256(std::string_view text) {
  return text.size() == 64
         && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool is_env_name(std::string_view text) {
  auto allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  return !text.empty() && !is_digit(text[0]) && std::all_of(text.begin(), text.end(), allowed);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::optional<std::string> wrong_url(std::string_view text) {
  constexpr std::string_view expected
    = "expected a URL that begins with http://, https:// or file:///, or an absolute file name";
  if (has_control(text))
    return fmt::format("holds a control character; {}", expected);
  if (text.starts_with('/'))
    return text.ends_with('/') ? std::optional{fmt::format("names a directory; {}", expected)}
                               : std::nullopt;
  auto end = text.find("://");
  if (end == std::string_view::npos)
    return fmt::format("is neither a URL nor an absolute file name; {}", expected);
  auto scheme = lower(text.substr(0, end));
  auto rest = text.substr(end + 3);
  if (!std::all_of(scheme.begin(), scheme.end(),
                   [](char c) { return is_letter(c) || is_digit(c) || c == '+'; }))
    return fmt::format("begins with no scheme; {}", expected);
  if (scheme != "http" && scheme != "https" && scheme != "file")
    return fmt::format("has the scheme {}, which is not supported; {}", in_ticks(scheme), expected);
  if (text.find(' ') != std::string_view::npos)
    return std::string{"holds a blank; expected `%20` in its place"};
  if (scheme == "file" && !rest.starts_with('/'))
    return fmt::format("names no absolute file; {}", expected);
  if (scheme != "file" && (rest.empty() || rest.find_first_of("/:?#") == 0))
    return fmt::format("names no host; {}", expected);
  return std::nullopt;
}

std::optional<std::string> wrong_binary(std::string_view text) {
  constexpr std::string_view expected
    = "expected the path of a file inside the archive, such as `dist/server`, or a file name";
  if (text.starts_with('/'))
    return fmt::format("is absolute; {}", expected);
  if (text.ends_with('/') || text.ends_with("/.") || text == ".")
    return fmt::format("names a directory; {}", expected);
  if (has_control(text) || text.size() > 1000)
    return fmt::format("holds control characters or is longer than 1000 bytes; {}", expected);
  auto steps = fmt::format("/{}/", text);
  if (steps.find("/../") != std::string::npos)
    return fmt::format("leaves its directory with `..`; {}", expected);
  return std::nullopt;
}

std::optional<std::string> wrong_program(std::string_view text) {
  constexpr std::string_view expected
    = "expected the name of a program of the machine, such as `java`, or its absolute path";
  if (has_control(text) || text.size() > 1000)
    return fmt::format("holds control characters or is longer than 1000 bytes; {}", expected);
  if (text.find(' ') != std::string_view::npos)
    return fmt::format("holds a blank; {}, and what follows it as the next entry", expected);
  if (text.ends_with('/') || text == "." || text == "..")
    return fmt::format("names a directory; {}", expected);
  if (!text.starts_with('/') && text.find('/') != std::string_view::npos)
    return fmt::format("is a relative path; {}, or `binary` for a program of the archive",
                       expected);
  if (text.find("${") != std::string_view::npos)
    return fmt::format("holds a variable; {}", expected);
  return std::nullopt;
}

std::string last_segment(const std::string& url) {
  auto path = url.starts_with('/') ? url : url.substr(0, url.find_first_of("?#"));
  auto scheme = path.find("://");
  auto slash = path.rfind('/');
  if (slash == std::string::npos || (scheme != std::string::npos && slash == scheme + 2))
    return {};
  return path.substr(slash + 1);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto comma = std::min(text.find(','), text.size());
    if (auto part = trimmed(text.substr(0, comma)); !part.empty())
      out.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string in_ticks(std::string_view text) {
  return fmt::format("`{}`", shown(text));
}

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::string out{text.substr(0, longest)};
  if (text.size() > longest) {
    while (!out.empty() && (static_cast<unsigned char>(text[out.size()]) & 0xc0) == 0x80)
      out.pop_back();
    out += "…";
  }
  for (char& c : out)
    if (has_control({&c, 1}))
      c = '?';
  return out;
}

std::optional<std::uint64_t> parse_overcommit(const std::string& text) {
  constexpr std::int64_t most = 10'000;
  if (text == "none")
    return 0;
  if (!text.ends_with('%'))
    return std::nullopt;
  auto percent = parse_integer(text.substr(0, text.size() - 1), 1, most);
  return percent ? std::optional{static_cast<std::uint64_t>(*percent)} : std::nullopt;
}

std::optional<std::string> probably_meant(std::string_view word,
                                          const std::vector<std::string>& candidates) {
  if (word.size() > 40)
    return std::nullopt;
  auto least = std::numeric_limits<std::size_t>::max();
  const std::string* nearest = nullptr;
  for (const auto& each : candidates) {
    auto distance = edit_distance(word, each);
    if (distance < least) {
      least = distance;
      nearest = &each;
    }
  }
  if (nearest == nullptr || least > std::max<std::size_t>(1, nearest->size() / 3))
    return std::nullopt;
  return *nearest;
}

std::string enumerated(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0)
      out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("`{}`", words[i]);
  }
  return out;
}

} // namespace deployminator::configs
