#include "agent/server_link.hpp"

#include "actors/common/errors.hpp"
#include "actors/common/logging.hpp"
#include "messages/bus/endpoint.hpp"

#include <chrono>
#include <utility>

namespace deployminator::agent {

namespace {

/// For opening a socket.
constexpr std::chrono::seconds gateway_timeout{5};
/// For writing the key file.
constexpr std::chrono::seconds key_file_timeout{30};

} // namespace

server_link::server_link(agent_actor::pointer self, link_config config)
  : self_(self), config_(std::move(config)) {}

void server_link::connect(std::uint64_t epoch, const std::string& store) {
  begun_ = true;
  session_ = bus::client_session{
    epoch, store, config_.servers.size() > 1 ? bus::next_server_after : bus::lost_after};
  self_->send(config_.gateway, atom::attach_v, common::receiver_actor{agent_actor{self_}});
  reopen();
  wake_ = session_.next_wake();
  self_->send(self_, atom::tick_v, ++tick_);
}

// -- messages -------------------------------------------------------------------------------------

void server_link::send(messages::message body, std::uint64_t id) {
  if (orders_ == 0)
    return;
  self_->send(config_.gateway, atom::dispatch_v, orders_, std::string{},
              std::make_shared<const messages::envelope>(
                messages::envelope{id, session_.epoch(), std::move(body)}));
  session_.sent(self_->clock().now());
}

void server_link::say_hello() {
  messages::hello hello;
  hello.role = messages::peer_role::agent;
  hello.software = "autodeployer " DEPLOYMINATOR_VERSION;
  hello.epoch = session_.epoch();
  hello.store = session_.store();
  hello.next_server_key = next_server_key_;
  hello.agent = config_.introduce();
  send(std::move(hello));
}

/// Once, and again when it is another one.
void server_link::tell(bus::handshake_failure why) {
  if (std::exchange(told_failure_, why) == why)
    return;
  auto failed = bus::failure_of(why, server_, config_.introduce().name);
  common::log::warning("agent cannot connect", {{"reason", failed.message}, {"hint", failed.hint}});
}

link_news server_link::arrived(const common::received& in) {
  if (in.socket == orders_ && in.failed)
    tell(*in.failed);
  if (in.socket != orders_ || !in.envelope)
    return {};
  auto step = session_.arrived(self_->clock().now(), *in.envelope, config_.random());
  carry_out(step);
  if (const auto* said = std::get_if<messages::welcome>(&in.envelope->body))
    learn(*said, in.key);
  return {step.lost, !step.ignore};
}

/// A server that is not obeyed is not believed. What the key file has now the server is told by
/// another hello.
void server_link::learn(const messages::welcome& said, const std::string& proven_key) {
  if (!session_.is_open() || proven_key.empty() || said.store != session_.store())
    return;
  self_
    ->request(config_.journal, key_file_timeout, atom::learn_v,
              messages::server_key_news{proven_key, said.store, said.next_server_key})
    .then(
      [this](const std::string& next) {
        if (std::exchange(next_server_key_, next) != next && session_.is_open())
          say_hello();
      },
      [](const caf::error& e) {
        common::log::warning("agent does not know whether its key file follows the server's key",
                             {{"reason", common::to_failure(e).message}});
      });
}

// -- the session ----------------------------------------------------------------------------------

link_news server_link::wake(std::uint64_t number) {
  if (number != tick_)
    return {};
  wake_.reset();
  auto step = session_.tick(self_->clock().now(), config_.random());
  carry_out(step);
  return {step.lost, false};
}

void server_link::carry_out(const bus::client_step& step) {
  if (step.opened)
    told_failure_.reset();
  if (step.opened || step.lost)
    told_standby_ = false;
  if (step.stands_by && !std::exchange(told_standby_, true))
    common::log::info("agent looks for the server that leads",
                      {{"answer", step.stands_by->message}, {"from", server_}});
  if (step.lost)
    common::log::warning("agent lost its server");
  if (step.rejected)
    common::log::warning("agent is not wanted",
                         {{"reason", step.rejected->message}, {"hint", step.rejected->hint}});
  if (step.reopen)
    reopen();
  else if (step.send_hello)
    say_hello();
  if (step.send_heartbeat)
    send(session_.heartbeat());
  schedule();
}

/// Has the session's `tick` called in time.
void server_link::schedule() {
  auto next = session_.next_wake();
  if (wake_ && *wake_ <= next)
    return;
  wake_ = next;
  self_->delayed_send(self_, next - self_->clock().now(), atom::tick_v, ++tick_);
}

// -- sockets --------------------------------------------------------------------------------------

/// Closes the orders socket and opens one to the next server; says hello when it is open.
void server_link::reopen() {
  if (orders_ != 0)
    self_->send(config_.gateway, atom::shut_v, orders_);
  orders_ = 0;
  const auto& server = server_ = config_.servers[next_server_];
  next_server_ = (next_server_ + 1) % config_.servers.size();
  common::log::debug("agent connects", {{"server", server}});
  self_
    ->request(config_.gateway, gateway_timeout, atom::open_v, bus::socket_kind::orders_client,
              server)
    .then(
      [this, attempt = ++attempt_](bus::socket_id socket) {
        if (attempt != attempt_) {
          self_->send(config_.gateway, atom::shut_v, socket);
          return;
        }
        orders_ = socket;
        say_hello();
      },
      [server](const caf::error& e) {
        common::log::error("agent cannot open socket",
                           {{"server", server}, {"reason", common::to_failure(e).message}});
      });
}

void server_link::publish_to(const std::string& told) {
  auto endpoint = bus::reachable(told, server_);
  if (endpoint == collect_ || endpoint.empty())
    return attach_progress(progress_);
  if (progress_ != 0)
    self_->send(config_.gateway, atom::shut_v, progress_);
  progress_ = 0;
  collect_ = endpoint;
  self_
    ->request(config_.gateway, gateway_timeout, atom::open_v, bus::socket_kind::progress_client,
              endpoint)
    .then([this](bus::socket_id socket) { attach_progress(socket); },
          [this, endpoint](const caf::error& e) {
            collect_.clear();
            common::log::warning(
              "agent cannot publish progress",
              {{"endpoint", endpoint}, {"reason", common::to_failure(e).message}});
          });
}

void server_link::attach_progress(bus::socket_id socket) {
  progress_ = socket;
  self_->send(config_.fetcher, atom::attach_v, socket, session_.epoch());
}

} // namespace deployminator::agent
