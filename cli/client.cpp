#include "cli/client.hpp"

#include "cli/context.hpp"
#include "cli/text.hpp"
#include "messages/bus/endpoint.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deployminator::cli {

using namespace messages;
using namespace std::chrono_literals;

namespace {

/// For each server that there may be.
constexpr auto connect_timeout = 5s;
/// How long the subscription may take before following begins without it.
constexpr auto subscribe_timeout = 1s;
/// An unanswered request is sent again after this, though nothing seems to be lost.
constexpr auto repeat_after = 3s;

/// So many answers in a row that do not fit, so long apart, mean that the history is another one.
constexpr int most_broken_answers = 5;
constexpr auto between_broken_answers = 200ms;

constexpr auto software = "deploy " DEPLOYMINATOR_VERSION;

/// So many handshakes that fail in a row are no accident.
constexpr int most_failed_handshakes = 3;

setback stopped_by_user() {
  return {exit_code::gave_up,
          {failure_code::timeout, "stopped before the server had answered",
           "if this was an order, it may have been taken: see `deploy status`"}};
}

} // namespace

client::client(configs::server_access access, interruption& stop)
  : access_(std::move(access)), stop_(stop), inbox_(stop), bus_(configs::keys_of(access_.key)),
    session_(0, {}, access_.servers.size() > 1 ? bus::next_server_after : bus::lost_after),
    random_(std::random_device{}()) {
  if (access_.key)
    key_.emplace(*access_.key);
  bus_.deliver_to([this](bus::inbound in) { inbox_.put(std::move(in)); });
  open_orders();
}

void client::connect() {
  auto longest = connect_timeout * access_.servers.size();
  auto until = clock::now() + longest;
  while (!session_.is_open()) {
    if (is_interrupted())
      throw stopped_by_user();
    if (rejected_)
      throw setback{exit_code::unreachable, *rejected_};
    if (clock::now() >= until)
      throw no_server(longest);
    pump(until);
  }
}

setback client::no_server(clock::duration waited) const {
  auto seconds = std::chrono::ceil<std::chrono::seconds>(waited).count();
  if (stands_by_)
    return {exit_code::unreachable,
            {failure_code::unreachable,
             fmt::format("no server leads (waited {} s): {}", seconds, stands_by_->message),
             stands_by_->hint}};
  return {exit_code::unreachable,
          {failure_code::unreachable,
           fmt::format("no server answers at {} (waited {} s)", fmt::join(access_.servers, " or "),
                       seconds),
           "check that deployminator runs there, and that --server (or DEPLOY_SERVER) "
           "names its --listen address"}};
}

message client::answer_to(const message& request, clock::duration timeout) {
  auto until = clock::now() + timeout;
  awaited_ = ++last_id_;
  answer_.reset();
  std::uint64_t sent_in = 0;
  clock::time_point repeat_at;
  while (!answer_) {
    auto now = clock::now();
    if (is_interrupted())
      throw stopped_by_user();
    if (rejected_)
      throw setback{exit_code::unreachable, *rejected_};
    if (now >= until)
      throw unanswered(timeout);
    if (session_.is_open() && (sent_in != session_number_ || now >= repeat_at)) {
      send(awaited_, request);
      sent_in = session_number_;
      repeat_at = now + repeat_after;
    }
    pump(std::min(until, std::max(repeat_at, now + 100ms)));
  }
  awaited_ = 0;
  if (auto* refused = std::get_if<refusal>(&*answer_))
    throw setback{exit_code::failed, refused->error};
  return std::move(*answer_);
}

setback client::unexpected_answer() const {
  return {exit_code::failed,
          {failure_code::mismatch,
           fmt::format("the server at {} gave an answer of another kind than was asked", server_),
           "see whether its version and this program's fit together"}};
}

setback client::unanswered(clock::duration timeout) const {
  return {exit_code::unreachable,
          {failure_code::unreachable,
           fmt::format("the server at {} did not answer within {} s", server_,
                       std::chrono::ceil<std::chrono::seconds>(timeout).count()),
           "see its log; if this was an order, it may have been taken: see `deploy status`"}};
}

void client::follow(std::uint64_t seq) {
  follower_.emplace(clock::now(), seq, session_.epoch());
  history_broken_ = false;
  broken_answers_ = 0;
  look_again_at_.reset();
  events_.clear();
  asked_ = 0;
  open_events();
  auto until = clock::now() + subscribe_timeout;
  while (!publish_.empty() && !subscribed_ && clock::now() < until && !is_interrupted())
    pump(until);
}

std::optional<event> client::next_event(clock::time_point until) {
  if (events_.empty())
    pump(until);
  if (events_.empty())
    return std::nullopt;
  auto out = std::move(events_.front());
  events_.pop_front();
  return out;
}

void client::rest(clock::time_point until) {
  while (clock::now() < until && !is_interrupted())
    pump(until);
}

std::uint64_t client::seq() const {
  return follower_ ? follower_->seq() : 0;
}

bool client::is_history_broken() const {
  return history_broken_ && events_.empty();
}

bool client::is_connected() const {
  return session_.is_open();
}

bool client::is_interrupted() const {
  return stop_.requested();
}

void client::pump(clock::time_point until) {
  tick(clock::now());
  auto wake = std::min(until, session_.next_wake());
  if (follower_)
    wake = std::min(wake, follower_->next_wake());
  if (look_again_at_)
    wake = std::min(wake, *look_again_at_);
  for (const auto& each : inbox_.take(wake))
    take(clock::now(), each);
}

void client::tick(clock::time_point now) {
  if (now >= session_.next_wake())
    carry_out(session_.tick(now, random()));
  if (follower_ && now >= follower_->next_wake())
    carry_out(follower_->tick(now));
  if (look_again_at_ && now >= *look_again_at_)
    look_again(now);
}

void client::take_handshake_failure(bus::handshake_failure why) {
  bool is_certain
    = why == bus::handshake_failure::unknown_key || why == bus::handshake_failure::revoked_key;
  if (!is_certain && ++failed_handshakes_ < most_failed_handshakes)
    return;
  throw setback{exit_code::unreachable, bus::failure_of(why, server_, access_.key->name)};
}

void client::take(clock::time_point now, const bus::inbound& in) {
  if (in.failed) {
    if (in.socket == orders_)
      take_handshake_failure(*in.failed);
    return;
  }
  bool is_event = in.socket == events_socket_ && follower_;
  if (in.bytes.empty()) {
    if (is_event) {
      subscribed_ = true;
      carry_out(follower_->subscribed(now));
    }
    return;
  }
  auto decoded = decode(in.bytes);
  // What a stranger or a newer server sends there means nothing to us; what we miss is asked for.
  if (!decoded)
    return;
  if (is_event)
    carry_out(follower_->published(now, *decoded));
  else if (in.socket == orders_)
    take_order_reply(now, *decoded, in.key);
}

void client::take_order_reply(clock::time_point now, const envelope& e,
                              const std::string& proven_key) {
  auto step = session_.arrived(now, e, random());
  if (step.opened) {
    publish_ = bus::reachable(std::get<welcome>(e.body).publish, server_);
    failed_handshakes_ = 0;
  }
  carry_out(step);
  if (const auto* said = std::get_if<welcome>(&e.body); said && session_.is_open())
    learn(*said, proven_key);
  if (step.ignore || step.opened || e.id == 0)
    return;
  if (e.id == awaited_) {
    answer_ = e.body;
  } else if (e.id == asked_ && follower_) {
    asked_ = 0;
    auto* page = std::get_if<event_page>(&e.body);
    if (page == nullptr)
      return;
    auto news = follower_->answered(now, e.epoch, *page);
    if (!news.start_over)
      broken_answers_ = 0;
    carry_out(std::move(news));
  }
}

/// What the key file has now the server is told by another hello.
void client::learn(const welcome& said, const std::string& proven_key) {
  if (!key_)
    return;
  auto before = key_->next_in_file();
  auto learned = key_->learn({proven_key, said.store, said.next_server_key});
  const auto& held = key_->content();
  if (learned.is_changed)
    bus_.expect(held.next_server_key ? held.next_server_key->key : "");
  if (learned.not_written)
    remark(printable(fmt::format("deploy: the server's key is being rotated, and {}",
                                 learned.not_written->message),
                     true)
           + "\n  make the file and its directory writable, or ask an operator for a new key file "
             "when the server has its next key");
  if (key_->next_in_file() != before)
    say_hello();
}

void client::say_hello() {
  send(0, hello{.software = software,
                .epoch = session_.epoch(),
                .next_server_key = key_ ? key_->next_in_file() : ""});
}

void client::carry_out(const bus::client_step& step) {
  if (step.reopen)
    open_orders();
  if (step.send_hello)
    say_hello();
  if (step.send_heartbeat)
    send(0, session_.heartbeat());
  if (step.rejected)
    rejected_ = step.rejected;
  if (step.stands_by)
    stands_by_ = step.stands_by;
  if (step.opened) {
    ++session_number_;
    rejected_.reset();
    stands_by_.reset();
    if (follower_ && !subscribed_)
      open_events();
  }
}

void client::carry_out(bus::follow_step step) {
  events_.insert(events_.end(), std::make_move_iterator(step.events.begin()),
                 std::make_move_iterator(step.events.end()));
  if (step.resubscribe)
    open_events();
  if (step.ask_after && session_.is_open()) {
    asked_ = ++last_id_;
    send(asked_, events_after{*step.ask_after});
  }
  if (!step.start_over)
    return;
  // A server that is just starting may say the same for a moment.
  history_broken_ = ++broken_answers_ > most_broken_answers;
  if (!history_broken_)
    look_again_at_ = clock::now() + between_broken_answers;
}

void client::look_again(clock::time_point now) {
  look_again_at_.reset();
  follower_.emplace(now, follower_->seq(), session_.epoch());
  carry_out(follower_->subscribed(now));
}

void client::send(std::uint64_t id, const message& body) {
  bus_.send(orders_, {}, encode({id, session_.epoch(), body}));
  session_.sent(clock::now());
}

void client::open_orders() {
  if (orders_ != 0)
    bus_.close(orders_);
  server_ = access_.servers[attempts_++ % access_.servers.size()];
  auto opened = bus_.open(bus::socket_kind::orders_client, server_);
  if (!opened)
    throw setback{exit_code::usage, opened.error()};
  orders_ = *opened;
}

void client::open_events() {
  if (events_socket_ != 0)
    bus_.close(events_socket_);
  subscribed_ = false;
  events_socket_ = 0;
  if (publish_.empty())
    return carry_out(follower_->by_asking(clock::now()));
  auto opened = bus_.open(bus::socket_kind::events_client, publish_);
  if (!opened)
    throw setback{exit_code::unreachable, opened.error()};
  events_socket_ = *opened;
}

double client::random() {
  return std::uniform_real_distribution<double>{0, 1}(random_);
}

} // namespace deployminator::cli
