#include "test/bench/swarm/connection.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace deployminator::bench {

namespace {

constexpr std::uint32_t first_source = 0x7f010000; // 127.1.0.0

sockaddr_in address(std::uint32_t host, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(host);
  out.sin_port = htons(port);
  return out;
}

/// A socket on its way to the server, or -1 where it already failed.
int connecting_socket(const route& to) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), "socket");
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  auto from = address(first_source + to.source, 0);
  auto server = address(INADDR_LOOPBACK, to.port);
  bool failed = ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0
                || (::connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0
                    && errno != EINPROGRESS);
  if (!failed)
    return fd;
  ::close(fd);
  return -1;
}

} // namespace

connection::~connection() {
  close();
}

void connection::open(const route& to) {
  close();
  to_ = to;
  socket_ = connecting_socket(to);
  if (socket_ < 0)
    return;
  epoll_event wanted{EPOLLIN, {.u64 = to.tag}};
  ::epoll_ctl(to.epoll, EPOLL_CTL_ADD, socket_, &wanted);
  put(zmtp::greeting());
}

void connection::close() {
  ++number_;
  if (socket_ >= 0)
    ::close(socket_);
  socket_ = -1;
  stands_ = watches_writing_ = false;
  in_ = {};
  out_.clear();
}

bool connection::exists() const {
  return socket_ >= 0;
}

bool connection::stands() const {
  return stands_;
}

void connection::send(std::string_view message) {
  if (stands_)
    put(zmtp::frame_header(message.size()).append(message));
}

void connection::work(std::uint32_t events, const on_message& take) {
  if (socket_ >= 0 && (events & EPOLLOUT) != 0)
    flush();
  if (socket_ >= 0 && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0)
    receive(take);
}

void connection::put(std::string_view bytes) {
  out_ += bytes;
  flush();
}

void connection::flush() {
  auto sent = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent >= 0)
    out_.erase(0, static_cast<std::size_t>(sent));
  // What failed for good is seen when it is read.
  watch_writing(!out_.empty() && (sent >= 0 || errno == EAGAIN || errno == ENOTCONN));
}

void connection::watch_writing(bool wanted) {
  if (wanted == watches_writing_)
    return;
  watches_writing_ = wanted;
  epoll_event both{wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, {.u64 = to_.tag}};
  ::epoll_ctl(to_.epoll, EPOLL_CTL_MOD, socket_, &both);
}

void connection::receive(const on_message& take) {
  static thread_local std::array<char, 256 << 10> chunk;
  auto got = ::recv(socket_, chunk.data(), chunk.size(), 0);
  if (got < 0 && errno == EAGAIN)
    return;
  if (got <= 0)
    return close();
  in_.append({chunk.data(), static_cast<std::size_t>(got)});
  // What takes a message may close this connection, or open another.
  for (auto same = number_; same == number_;) {
    auto item = in_.next();
    if (!item)
      return;
    carry_out(*item, take);
  }
}

void connection::carry_out(const zmtp::reader::item& item, const on_message& take) {
  using kind = zmtp::reader::item::kind;
  switch (item.what) {
    case kind::greeting:
      return put(zmtp::ready_command());
    case kind::command:
      stands_ = true;
      return;
    case kind::message:
      return take(item.bytes);
    case kind::broken:
      return close();
  }
}

} // namespace deployminator::bench
