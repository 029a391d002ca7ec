#pragma once

#include "test/bench/swarm/zmtp.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace deployminator::bench {

/// Where a connection goes, and who watches its socket.
struct route {
  int epoll = -1;
  /// What epoll calls the socket.
  std::uint64_t tag = 0;
  /// On 127.0.0.1.
  std::uint16_t port = 0;
  /// The last two bytes of its own address, 127.1.x.x: each machine has one, and its own ports.
  std::uint16_t source = 0;
};

/// One connection to the server's orders socket. Never blocks. Like a DEALER with ZMQ_IMMEDIATE it
/// drops what is sent before the connection stands.
class connection {
public:
  using on_message = std::function<void(std::string_view)>;

  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  /// Begins a new connection in place of the one there is.
  void open(const route& to);
  void close();

  /// Whether there is one, standing or coming.
  bool exists() const;
  /// Whether messages can be sent.
  bool stands() const;

  void send(std::string_view message);

  /// Epoll saw something: sends and receives what can be. Closes where the other side did.
  void work(std::uint32_t events, const on_message& take);

private:
  void put(std::string_view bytes);
  void flush();
  void watch_writing(bool wanted);
  void receive(const on_message& take);
  void carry_out(const zmtp::reader::item& item, const on_message& take);

  int socket_ = -1;
  /// Counts the connections.
  std::uint64_t number_ = 0;
  route to_;
  bool stands_ = false;
  bool watches_writing_ = false;
  zmtp::reader in_;
  std::string out_;
};

} // namespace deployminator::bench
