#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace deployminator::cli {

/// Thrown where data cannot be written to stdout.
class output_lost : public std::runtime_error {
public:
  /// `reason`: what errno says of it.
  explicit output_lost(int reason);

  /// Whether the reader has all it wanted and is gone, as `head` does.
  bool is_unwanted() const;

private:
  int reason_;
};

/// Makes every later write to a standard stream that is closed fail, where it would go into
/// whatever file or connection is opened next. Also ignores SIGPIPE. Called first in main.
void guard_streams();

/// Writes all of it; 0, or errno where it could not.
int write_all(int descriptor, std::string_view text);

/// Writes data to stdout, at once. Throws `output_lost` where it cannot.
void print(const std::string& data);

/// From now on `print` never throws: an order is on its way or refused, and the exit code tells
/// what became of it. A loss is told once on stderr.
void go_on_without_output();

/// Writes a line for people to stderr, if that can be written.
void remark(const std::string& sentence);

} // namespace deployminator::cli
