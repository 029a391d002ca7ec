#include "messages/bus/io_thread.hpp"

#include "messages/bus/sockets.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

namespace deployminator::bus {

namespace {

constexpr auto wake_address = "inproc://wake";

/// Far more than a program needs; a simulated farm opens one for each of its agents.
constexpr int max_sockets = 20'000;

/// For one address to be bound anew, and between two attempts.
constexpr std::chrono::seconds longest_rebinding{5};
constexpr std::chrono::milliseconds between_bindings{2};

messages::failure stopped(std::string_view consequence) {
  return {messages::failure_code::internal, std::string{consequence} + ": the bus has stopped", ""};
}

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

/// In which one connection may bring some hundred megabytes.
constexpr std::chrono::milliseconds between_looks{200};
constexpr std::chrono::milliseconds for_ever{-1};

/// Waits until something can be read, it is time for a look, or a signal interrupts.
void wait_for(std::vector<zmq::pollitem_t>& items, std::chrono::milliseconds timeout) {
  try {
    zmq::poll(items, timeout);
  } catch (const zmq::error_t&) {
    // Interrupted: the caller looks at everything and comes back.
  }
}

/// Takes every wake-up there is.
void drain(zmq::socket_t& woken) {
  try {
    zmq::message_t nothing;
    while (woken.recv(nothing, zmq::recv_flags::dontwait)) {
    }
  } catch (const zmq::error_t&) {
    // Interrupted: what is left makes the next poll return at once.
  }
}

} // namespace

io_thread::io_thread(keys own)
  : keys_(std::move(own)), handed_up_([this] {
      std::lock_guard guard{queue_mutex_};
      if (!stopping_)
        wake();
    }) {
  context_.set(zmq::ctxopt::max_sockets, max_sockets);
  // Both ends exist before the thread: a pair without its peer would lose the first wake-ups.
  zmq::socket_t woken{context_, zmq::socket_type::pair};
  woken.bind(wake_address);
  waker_ = zmq::socket_t{context_, zmq::socket_type::pair};
  waker_.connect(wake_address);
  thread_ = std::thread{[this, end = std::move(woken)]() mutable { run(std::move(end)); }};
}

// A bus that cannot be stopped ends the process: its thread would go on with what is gone.
// NOLINTNEXTLINE(bugprone-exception-escape)
io_thread::~io_thread() {
  stop();
}

void io_thread::deliver_to(receiver to) {
  std::lock_guard guard{receiver_mutex_};
  receiver_ = std::move(to);
}

messages::result<socket_id> io_thread::open(socket_kind kind, const std::string& endpoint) {
  open_command c{++last_id_, kind, endpoint, {}};
  auto id = c.id;
  auto answer = c.done.get_future();
  if (!enqueue(std::move(c)))
    return stopped("no socket can be opened");
  if (auto done = answer.get(); !done)
    return done.error();
  return id;
}

void io_thread::close(socket_id socket) {
  enqueue(close_command{socket});
}

void io_thread::send(socket_id socket, std::string peer, std::string bytes) {
  enqueue(send_command{socket, std::move(peer), std::move(bytes)});
}

void io_thread::trust(trusted_keys who) {
  enqueue(trust_command{std::move(who)});
}

void io_thread::expect(std::string other_server_key) {
  enqueue(expect_command{std::move(other_server_key)});
}

messages::result<void> io_thread::prove_with(server_keys own) {
  for (auto until = std::chrono::steady_clock::now() + longest_rebinding;;) {
    prove_command c{own, {}};
    auto answer = c.done.get_future();
    if (!enqueue(std::move(c)))
      return stopped("the server's key cannot be changed");
    auto done = answer.get();
    if (done || std::chrono::steady_clock::now() >= until)
      return done;
    std::this_thread::sleep_for(between_bindings);
  }
}

void io_thread::stop() {
  std::lock_guard one_at_a_time{stop_mutex_};
  {
    std::lock_guard guard{queue_mutex_};
    if (stopping_)
      return;
    stopping_ = true;
    wake();
  }
  thread_.join();
}

bool io_thread::enqueue(command c) {
  std::lock_guard guard{queue_mutex_};
  if (stopping_)
    return false;
  bool was_empty = queue_.empty();
  queue_.push_back(std::move(c));
  // Otherwise the thread was woken already, and takes everything it finds.
  if (was_empty)
    wake();
  return true;
}

void io_thread::wake() {
  for (;;)
    try {
      waker_.send(zmq::message_t{}, zmq::send_flags::dontwait);
      return;
    } catch (const zmq::error_t& e) {
      if (e.num() != EINTR)
        throw;
    }
}

void io_thread::run(zmq::socket_t woken) {
  sockets all{context_, keys_, handed_up_};
  std::vector<zmq::pollitem_t> items;
  auto next_look = std::chrono::steady_clock::now();
  do {
    items.assign(1, {woken.handle(), 0, ZMQ_POLLIN, 0});
    all.watch(items);
    wait_for(items, all.listen() ? between_looks : for_ever);
    drain(woken);
    std::lock_guard guard{receiver_mutex_};
    all.receive(receiver_);
    if (auto now = std::chrono::steady_clock::now(); now >= next_look) {
      all.look_after_memory();
      next_look = now + between_looks;
    }
  } while (carry_out_queue(all));
}

bool io_thread::carry_out_queue(sockets& on) {
  std::vector<command> commands;
  bool going_on = true;
  {
    std::lock_guard guard{queue_mutex_};
    commands.swap(queue_);
    going_on = !stopping_;
  }
  for (auto& each : commands)
    std::visit(overloaded{
                 [&](open_command& c) { c.done.set_value(on.open(c.id, c.kind, c.endpoint)); },
                 [&](close_command& c) { on.close(c.id); },
                 [&](send_command& c) { on.send(c.id, c.peer, c.bytes); },
                 [&](trust_command& c) { on.trust(std::move(c.who)); },
                 [&](expect_command& c) { on.expect(c.other_server_key); },
                 [&](prove_command& c) { c.done.set_value(on.prove_with(c.own)); },
               },
               each);
  return going_on;
}

} // namespace deployminator::bus
