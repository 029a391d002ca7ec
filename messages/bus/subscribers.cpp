#include "messages/bus/subscribers.hpp"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

namespace deployminator::bus {

namespace {

/// The CI servers of a company may share a key.
constexpr auto most_for_key = 200;

/// The bytes of the address; empty where there is no connection.
std::string other_end_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return {};
  return {reinterpret_cast<const char*>(&address), size};
}

} // namespace

void hang_up(int descriptor) {
  if (descriptor >= 0)
    shutdown(descriptor, SHUT_RDWR);
}

bool subscribers::add(std::string key, int descriptor) {
  auto is_gone = [&](const connection& each) {
    return each.descriptor == descriptor || other_end_of(each.descriptor) != each.other_end;
  };
  std::erase_if(all_, is_gone);
  if (std::ranges::count(all_, key, &connection::key) >= most_for_key)
    return false;
  all_.push_back({std::move(key), descriptor, other_end_of(descriptor)});
  return true;
}

void subscribers::cut_off_unless(const std::function<bool(const std::string& key)>& is_allowed) {
  std::erase_if(all_, [&](const connection& each) {
    if (is_allowed(each.key))
      return false;
    if (other_end_of(each.descriptor) == each.other_end)
      hang_up(each.descriptor);
    return true;
  });
}

} // namespace deployminator::bus
