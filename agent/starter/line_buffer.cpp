#include "agent/starter/line_buffer.hpp"

#include <cstring>

namespace deployminator::agent::starter {

char* line_buffer::space() {
  if (begin_ > 0) {
    memmove(bytes_, bytes_ + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  return bytes_ + end_;
}

bool line_buffer::next(piece& out) {
  const auto* found = static_cast<const char*>(memchr(bytes_ + searched_, '\n', end_ - searched_));
  if (!found) {
    searched_ = end_;
    return room() == 0 && rest(out, true);
  }
  auto at = static_cast<std::size_t>(found - bytes_);
  out = {bytes_ + begin_, at - begin_, true, false};
  begin_ = searched_ = at + 1;
  is_begun_ = false;
  return true;
}

bool line_buffer::rest(piece& out, bool goes_on) {
  if (is_empty() && (goes_on || !is_begun_))
    return false;
  out = {bytes_ + begin_, end_ - begin_, false, goes_on};
  begin_ = searched_ = end_;
  is_begun_ = goes_on;
  return true;
}

} // namespace deployminator::agent::starter
