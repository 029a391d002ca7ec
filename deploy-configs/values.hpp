#pragma once

#include "messages/application.hpp"
#include "messages/safe_name.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The texts that stand for values in deploy.yaml and in settings. Each function yields nothing
/// where the text is no such value; the caller says what was expected.
namespace deployminator::configs {

/// A whole decimal number within the bounds.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t low,
                                          std::int64_t high);

/// `true yes on` or `false no off`, in any case.
std::optional<bool> parse_bool(std::string_view text);

/// A number and its unit: `500ms 5s 2m 1h`, at most a year.
std::optional<messages::duration> parse_duration(std::string_view text);

/// `25%` (1 to 100) or a count from 1.
std::optional<messages::parallelism> parse_parallelism(std::string_view text);

/// `50%`, of one processor: 1 to 100000; `unlimited`, which is `messages::unlimited`; `0`, which is
/// as if nothing stood there.
std::optional<std::uint64_t> parse_cpu_share(std::string_view text);

/// `never`, which is `messages::never_replaced`, or a duration.
std::optional<messages::duration> parse_replace_after(std::string_view text);

/// `1/3`: a part from nothing to all; its two numbers.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_share(std::string_view text);

struct backoff_range {
  messages::duration least{};
  messages::duration most{};
};

/// `1s..1m`: from 1 ms upwards, the first not longer than the second.
std::optional<backoff_range> parse_backoff(std::string_view text);

struct give_up_rule {
  std::uint32_t count = 0;
  messages::duration window{};
};

/// `5 in 10m`; `never` is a count of 0.
std::optional<give_up_rule> parse_give_up(std::string_view text);

/// `TERM`, `SIGTERM` or `15`, in any case: the signal's number.
std::optional<int> parse_signal(std::string_view text);

/// `${PORTn}` with n from 1 to 100, and nothing else: n.
std::optional<std::uint32_t> parse_port_variable(std::string_view text);

/// The first `${PORT…}` in the text that will not be replaced because n is not 1 to 100 or the
/// letters are not upper case; nothing if all is well.
std::optional<std::string> wrong_port_variable(std::string_view text);

/// 64 hex digits.
bool is_sha256(std::string_view text);

using messages::is_safe_name;

/// What `is_safe_name` expects, for messages.
inline constexpr std::string_view safe_name_expected
  = "letters, digits, `.`, `_` and `-`, at most 63, not beginning with `.` or `-`";

/// A name that a shell can hold: letters, digits and `_`, not beginning with a digit.
bool is_env_name(std::string_view text);

/// Whether the text holds a control character.
bool has_control(std::string_view text);

/// What is wrong with a `downloadurl`; nothing if it is an `http`, `https` or `file` URL or an
/// absolute file name.
std::optional<std::string> wrong_url(std::string_view text);

/// What is wrong with the path of a binary within an archive or an instance's directory.
std::optional<std::string> wrong_binary(std::string_view text);

/// What is wrong with the name of a program of the machine; nothing if it is one, or its absolute
/// path.
std::optional<std::string> wrong_program(std::string_view text);

/// The part of a URL or file name after its last `/`, without query and fragment of a URL.
std::string last_segment(const std::string& url);

/// The parts between commas, without blanks around them; empty ones are left out.
std::vector<std::string> split_list(std::string_view text);

std::string lower(std::string_view text);

/// The text as messages show it: shortened, and with `?` for control characters.
std::string shown(std::string_view text);

/// The shown text in backticks.
std::string in_ticks(std::string_view text);

/// How much of a machine's memory is promised at most: the percentage of `150%`, 0 of `none`;
/// nothing where it is neither.
std::optional<std::uint64_t> parse_overcommit(const std::string& text);

/// The candidate that was probably meant by `word`: the one the fewest edits away, if those are few
/// for its length.
std::optional<std::string> probably_meant(std::string_view word,
                                          const std::vector<std::string>& candidates);

/// `a`, `b` or `c`, each in backticks.
std::string enumerated(const std::vector<std::string>& words);

} // namespace deployminator::configs
