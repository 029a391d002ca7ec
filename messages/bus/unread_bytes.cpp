#include "messages/bus/unread_bytes.hpp"

#include "messages/bus/subscribers.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <unistd.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace deployminator::bus {

namespace {

/// The memory of this process that is in use; 0: unknown.
std::uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// What has come over a TCP connection since it was made; 0: it is none.
std::uint64_t bytes_arrived(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return 0;
  return info.tcpi_bytes_received;
}

std::uint64_t cookie_of(int descriptor) {
  std::uint64_t out = 0;
  socklen_t size = sizeof out;
  getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &out, &size);
  return out;
}

template <class Use>
void for_each_descriptor(Use use) {
  std::error_code cannot_tell;
  for (const auto& each : std::filesystem::directory_iterator{"/proc/self/fd", cannot_tell}) {
    auto name = each.path().filename().string();
    int descriptor = -1;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    use(descriptor);
  }
}

} // namespace

std::size_t bytes_on_the_wire(std::size_t frame, bool is_encrypted) {
  // "\x07MESSAGE", a short nonce, the box's authenticator and its flags.
  constexpr std::size_t box = 8 + 8 + 16 + 1;
  constexpr std::size_t longest_short = 255;
  auto body = frame + (is_encrypted ? box : 0);
  return body + (body > longest_short ? 9 : 2);
}

void unread_bytes::delivered(int descriptor, std::size_t bytes) {
  if (descriptor >= 0)
    accounts_[descriptor].delivered += bytes;
}

void unread_bytes::look() {
  if (!listens())
    return;
  auto size = resident_bytes();
  size_at_last_look_ = size_at_last_look_ ? std::min(size_at_last_look_, size) : size;
  if (size < size_at_last_look_ + limits_.growth)
    return;
  size_at_last_look_ = size;
  end_the_worst();
}

bool unread_bytes::is_ours(int descriptor) const {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) != 0)
    return false;
  // Both families have it at the same place.
  auto port = ntohs(reinterpret_cast<const sockaddr_in*>(&own)->sin_port);
  return (own.ss_family == AF_INET || own.ss_family == AF_INET6) && ports_.contains(port);
}

std::uint64_t unread_bytes::unread_of(int descriptor) {
  auto arrived = bytes_arrived(descriptor);
  if (arrived == 0)
    return 0;
  auto cookie = cookie_of(descriptor);
  auto& own = accounts_[descriptor];
  if (own.cookie == 0)
    own.cookie = cookie;
  // What was delivered since the last look may have come over either.
  if (own.cookie != cookie)
    own = {cookie, arrived, 0};
  auto read = own.base + own.delivered;
  return arrived > read ? arrived - read : 0;
}

void unread_bytes::end_the_worst() {
  std::multimap<std::uint64_t, int, std::greater<>> by_unread;
  std::uint64_t all = 0;
  for_each_descriptor([&](int descriptor) {
    auto unread = is_ours(descriptor) ? unread_of(descriptor) : 0;
    if (unread > 0)
      by_unread.emplace(unread, descriptor);
    all += unread;
  });
  for (const auto& [unread, descriptor] : by_unread) {
    if (unread <= limits_.of_one && all <= limits_.in_all)
      return;
    hang_up(descriptor);
    all -= unread;
  }
}

} // namespace deployminator::bus
