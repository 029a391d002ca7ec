#pragma once

#include "messages/bus/bus.hpp"

#include <zmq.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace deployminator::bus {

class sockets;

/// The real bus: one ZeroMQ context and one thread that owns every socket. A process has one.
class io_thread : public bus {
public:
  /// `own`: what this process encrypts its connections with.
  explicit io_thread(keys own = {});

  /// Stops, see `stop`.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~io_thread() override;

  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  /// Names who gets what arrives from now on; what arrives before is dropped. The receiver runs on
  /// the I/O thread: it must neither block nor throw, nor call `open`, `stop` or this. When this
  /// returns, the former receiver is not called any more.
  void deliver_to(receiver to);

  /// Waits for the I/O thread's answer, well below a millisecond.
  messages::result<socket_id> open(socket_kind kind, const std::string& endpoint) override;
  void close(socket_id socket) override;
  void send(socket_id socket, std::string peer, std::string bytes) override;
  void trust(trusted_keys who) override;

  /// A client's: another public key that the server may have from now on, beside the one that is
  /// proven now or was last; empty: none.
  void expect(std::string other_server_key);

  /// A server's: proves itself with this key from now on. All connections end and come again; what
  /// they had brought is delivered. Waits until every address is bound anew, some milliseconds;
  /// fails where that is not so within seconds.
  messages::result<void> prove_with(server_keys own);

  /// Closes all sockets and ends the thread. Every later call is ignored; `open` fails.
  void stop();

private:
  struct open_command {
    socket_id id;
    socket_kind kind;
    std::string endpoint;
    std::promise<messages::result<void>> done;
  };
  struct close_command {
    socket_id id;
  };
  struct send_command {
    socket_id id;
    std::string peer;
    std::string bytes;
  };
  struct trust_command {
    trusted_keys who;
  };
  struct expect_command {
    std::string other_server_key;
  };
  struct prove_command {
    server_keys own;
    std::promise<messages::result<void>> done;
  };
  using command = std::variant<open_command, close_command, send_command, trust_command,
                               expect_command, prove_command>;

  /// False when the bus has stopped and the command is dropped.
  bool enqueue(command c);
  /// Makes the I/O thread look at the queue. Called with the queue's mutex held.
  void wake();
  void run(zmq::socket_t woken);
  /// False when the bus is to stop.
  bool carry_out_queue(sockets& on);

  zmq::context_t context_;
  keys keys_;
  backlog handed_up_;
  std::atomic<socket_id> last_id_ = 0;

  std::mutex receiver_mutex_;
  receiver receiver_;

  /// Guards the queue, `stopping_`, and the sending end of the wake-up pair.
  std::mutex queue_mutex_;
  std::vector<command> queue_;
  bool stopping_ = false;
  zmq::socket_t waker_;

  std::mutex stop_mutex_;
  std::thread thread_;
};

} // namespace deployminator::bus
