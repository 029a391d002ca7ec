#include "messages/bus/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace deployminator::bus {

namespace {

using messages::envelope;
using messages::failure;
using messages::failure_code;

std::chrono::nanoseconds with_jitter(std::chrono::milliseconds wait, double random) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(wait * (0.5 + random));
}

bool is_of_other_epoch(const envelope& e, std::uint64_t epoch) {
  // A refusal of bytes that could not be read may come from below the server's epoch.
  return e.epoch != epoch && !(e.epoch == 0 && std::holds_alternative<messages::refusal>(e.body));
}

failure stale_server(std::uint64_t its_epoch, std::uint64_t ours) {
  return {failure_code::refused,
          fmt::format("the server has epoch {}, but one with epoch {} has taken over from it",
                      its_epoch, ours),
          "stop the old server, or name the new one's address"};
}

failure unspoken_version(std::uint32_t version) {
  return {failure_code::version,
          fmt::format("the server wants to speak protocol version {}, this side speaks {} to {}",
                      version, messages::lowest_protocol, messages::highest_protocol),
          "upgrade the older side"};
}

failure other_store() {
  return {failure_code::refused, "the server is another farm's: its store is not the one obeyed",
          "see that the address is right; `autodeployer --leave-farm` ends the instances of the "
          "old farm, so that the next server is obeyed"};
}

} // namespace

client_session::client_session(std::uint64_t epoch, std::optional<std::string> store,
                               std::chrono::milliseconds patience)
  : epoch_(epoch), store_(std::move(store)), patience_(patience) {}

client_step client_session::tick(time_point now, double random) {
  client_step step;
  if (open_) {
    if (now - last_heard_ >= present_pace().server_lost_after) {
      step.reopen = true;
      return connect(now, random, step);
    }
    step.send_heartbeat = now - last_sent_ >= present_pace().client_interval;
    if (step.send_heartbeat)
      last_sent_ = now;
    return step;
  }
  bool first = next_hello_ == time_point::min();
  if (first || now >= give_up_at_) {
    step.reopen = !first;
    return connect(now, random, step);
  }
  step.send_hello = now >= next_hello_;
  if (step.send_hello)
    hello_sent(now, random);
  return step;
}

client_step client_session::arrived(time_point now, const envelope& e, double random) {
  if (!open_) {
    if (std::holds_alternative<messages::welcome>(e.body))
      return welcomed(now, e, random);
    if (const auto* refused = std::get_if<messages::refusal>(&e.body))
      return refused->standby ? go_elsewhere(now, refused->error, random)
                              : reject(now, refused->error, random);
    if (std::holds_alternative<messages::heartbeat>(e.body) && e.epoch >= epoch_)
      wait_for_welcome(now, random);
    return {.ignore = true};
  }
  const auto* refused = std::get_if<messages::refusal>(&e.body);
  if (std::holds_alternative<messages::unknown_peer>(e.body) || e.epoch > epoch_
      || (refused && refused->standby)) {
    // What leads now is learned from its welcome: until then it may be anybody.
    return connect(now, random, {.ignore = true});
  }
  if (is_of_other_epoch(e, epoch_))
    return {.ignore = true};
  last_heard_ = now;
  if (const auto* beat = std::get_if<messages::heartbeat>(&e.body))
    is_calm_ = beat->calm;
  // Another welcome answers a hello that was repeated before the first one came.
  return {.ignore = std::holds_alternative<messages::welcome>(e.body)};
}

void client_session::sent(time_point now) {
  last_sent_ = now;
}

messages::heartbeat client_session::heartbeat() const {
  return {.time = {}, .calm = is_calm_};
}

const pace& client_session::present_pace() const {
  return is_calm_ ? calm_pace : usual_pace;
}

time_point client_session::next_wake() const {
  const auto& now_at = present_pace();
  return open_
           ? std::min(last_heard_ + now_at.server_lost_after, last_sent_ + now_at.client_interval)
           : std::min(next_hello_, give_up_at_);
}

bool client_session::is_open() const {
  return open_;
}

std::uint64_t client_session::epoch() const {
  return epoch_;
}

std::string client_session::store() const {
  return store_.value_or("");
}

client_step client_session::connect(time_point now, double random, client_step step) {
  step.lost = std::exchange(open_, false);
  is_calm_ = false;
  step.send_hello = true;
  give_up_at_ = now + patience_;
  hello_wait_ = first_hello_wait;
  hello_sent(now, random);
  return step;
}

/// The server is there and has heard the hello; its welcome takes longer.
void client_session::wait_for_welcome(time_point now, double random) {
  give_up_at_ = now + lost_after;
  if (std::exchange(hello_wait_, longest_hello_wait) != longest_hello_wait)
    hello_sent(now, random);
}

void client_session::hello_sent(time_point now, double random) {
  next_hello_ = now + with_jitter(hello_wait_, random);
  hello_wait_ = std::min(hello_wait_ * 2, longest_hello_wait);
}

client_step client_session::welcomed(time_point now, const envelope& e, double random) {
  const auto& answer = std::get<messages::welcome>(e.body);
  bool is_other = store_ && !store_->empty() && !answer.store.empty() && answer.store != *store_;
  if (is_other)
    return reject(now, other_store(), random);
  if (e.epoch < epoch_)
    return reject(now, stale_server(e.epoch, epoch_), random);
  if (answer.version < messages::lowest_protocol || answer.version > messages::highest_protocol)
    return reject(now, unspoken_version(answer.version), random);
  open_ = true;
  standby_wait_ = {};
  epoch_ = e.epoch;
  if (store_ && store_->empty())
    store_ = answer.store;
  last_heard_ = now;
  last_sent_ = now;
  return {.opened = true};
}

client_step client_session::reject(time_point now, failure why, double random) {
  hello_wait_ = longest_hello_wait;
  hello_sent(now, random);
  client_step step{.ignore = true};
  step.rejected = std::move(why);
  return step;
}

/// Another hello here would be in vain.
client_step client_session::go_elsewhere(time_point now, failure why, double random) {
  give_up_at_ = now + with_jitter(standby_wait_, random);
  next_hello_ = time_point::max();
  standby_wait_ = std::clamp(standby_wait_ * 2, first_standby_wait, longest_standby_wait);
  client_step step{.ignore = true};
  step.stands_by = std::move(why);
  return step;
}

peer_session::peer_session(time_point now) : last_heard_(now), last_sent_(now) {}

void peer_session::arrived(time_point now) {
  last_heard_ = now;
}

void peer_session::keeps_calm(bool calm) {
  keeps_calm_ = calm;
}

void peer_session::want_calm(bool calm) {
  wants_calm_ = calm;
}

const pace& peer_session::present_pace() const {
  return wants_calm_ && keeps_calm_ ? calm_pace : usual_pace;
}

/// Who keeps the calm pace still may not have heard that the usual one is wanted again.
std::chrono::milliseconds peer_session::patience() const {
  return keeps_calm_ ? calm_pace.client_lost_after : usual_pace.client_lost_after;
}

void peer_session::sent(time_point now) {
  last_sent_ = now;
}

peer_step peer_session::tick(time_point now) {
  if (now - last_heard_ >= patience())
    return {.lost = true};
  peer_step step{.send_heartbeat = now - last_sent_ >= present_pace().server_interval};
  if (step.send_heartbeat)
    last_sent_ = now;
  return step;
}

time_point peer_session::next_wake() const {
  return std::min(last_heard_ + patience(), last_sent_ + present_pace().server_interval);
}

} // namespace deployminator::bus
