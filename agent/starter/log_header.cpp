#include "agent/starter/log_header.hpp"

#include <cstring>

namespace deployminator::agent::starter {

namespace {

/// The day of a calendar that begins its years in March, so that the day of a leap year is the last
/// one of its year (after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
char* put_date(char* to, std::int64_t days_since_1970) {
  auto days = static_cast<std::uint64_t>(days_since_1970 + 719'468);
  auto era = days / 146'097, day_of_era = days % 146'097;
  auto year_of_era
    = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  auto month_from_march = (5 * day_of_year + 2) / 153;
  auto month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  to = put_number(to, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4);
  *to++ = '-';
  to = put_number(to, month, 2);
  *to++ = '-';
  return put_number(to, day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

} // namespace

char* put_number(char* to, std::uint64_t number, int least_digits) {
  char digits[20];
  int count = 0;
  do
    digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  for (int n = count; n < least_digits; ++n)
    *to++ = '0';
  while (count > 0)
    *to++ = digits[--count];
  return to;
}

log_header::log_header(std::int64_t utc, source from, bool goes_on) {
  constexpr std::int64_t day = 86'400;
  static constexpr char names[][4] = {"out", "err", "sys"};
  // A machine whose clock stands before 1970 has no times.
  auto micros = utc > 0 ? utc : 0;
  auto seconds = micros / 1'000'000;
  auto second_of_day = static_cast<std::uint64_t>(seconds % day);
  char* to = put_date(text, seconds / day);
  *to++ = 'T';
  to = put_number(to, second_of_day / 3'600, 2);
  *to++ = ':';
  to = put_number(to, second_of_day / 60 % 60, 2);
  *to++ = ':';
  to = put_number(to, second_of_day % 60, 2);
  *to++ = '.';
  to = put_number(to, static_cast<std::uint64_t>(micros % 1'000'000), 6);
  *to++ = 'Z';
  *to++ = ' ';
  memcpy(to, names[static_cast<int>(from)], 3);
  to += 3;
  if (goes_on)
    *to++ = '+';
  *to++ = ' ';
  size = static_cast<std::size_t>(to - text);
}

} // namespace deployminator::agent::starter
