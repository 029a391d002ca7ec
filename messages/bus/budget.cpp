#include "messages/bus/budget.hpp"

#include <algorithm>

namespace deployminator::bus {

bool budget::spend(const std::string& key, std::size_t bytes, time_point now) {
  auto& left
    = accounts_.try_emplace(key, account{each_.most_messages, each_.most_bytes, now}).first->second;
  auto seconds = std::chrono::duration<double>(now - left.updated).count();
  left.updated = now;
  left.messages
    = std::min(each_.most_messages, left.messages + seconds * each_.messages_per_second);
  left.bytes = std::min(each_.most_bytes, left.bytes + seconds * each_.bytes_per_second);
  auto size = static_cast<double>(bytes);
  if (left.messages < 1 || left.bytes < size)
    return false;
  left.messages -= 1;
  left.bytes -= size;
  return true;
}

} // namespace deployminator::bus
