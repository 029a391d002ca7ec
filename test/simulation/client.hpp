#pragma once

#include "messages/bus/event_follower.hpp"
#include "messages/bus/session.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/network.hpp"
#include "simulation/timeline.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// Who gives orders and watches: keeps a session with one of the servers, asks again until it is
/// answered, and follows the events without a gap.
class client {
public:
  client(std::string name, timeline& clock, network& net, trace& record, std::uint64_t seed,
         std::vector<std::string> servers);
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  struct answered {
    std::string order_id;
    messages::message answer;
  };

  /// Sends an order until it is answered.
  void order(std::string order_id, messages::message body);

  /// Asks what the build would do; so long after the answer it is ordered with the digest of that,
  /// or without where it would be refused.
  void plan(messages::submit_build build, moment think);

  /// What an order that was planned will do.
  std::function<void(const std::string& order_id, const messages::build_plan&)> on_plan;

  /// Offers a strategy in each of its sessions. Until `calm` it is now and then late, silent or
  /// wrong, or says no.
  void offer(std::string strategy, moment calm);

  [[nodiscard]] const std::string& name() const {
    return name_;
  }
  [[nodiscard]] const std::vector<answered>& answers() const {
    return answers_;
  }
  /// How many orders wait for their answer.
  [[nodiscard]] std::size_t waiting() const {
    return questions_.size();
  }
  /// The order that was asked with this correlation id, or nothing.
  [[nodiscard]] std::string order_of(std::uint64_t id) const;

  /// What the watcher saw, in the order in which it did, since it last began anew.
  [[nodiscard]] const std::vector<messages::event>& seen() const {
    return seen_;
  }
  /// The number of the event before the first of `seen`.
  [[nodiscard]] std::uint64_t seen_from() const {
    return seen_from_;
  }

  /// The epoch of the server that leads; 0: unknown.
  std::function<std::uint64_t()> leader = [] { return 0; };

private:
  struct question {
    std::string order_id;
    messages::message body;
    moment last_sent{-1h};
    /// Of a build that is planned: how long its plan is looked at.
    moment think{0};
  };

  [[nodiscard]] deployminator::bus::time_point steady() const;
  void open_orders();
  void open_events();
  void take(const deployminator::bus::inbound& in);
  void take_answer(const messages::envelope& e);
  void take_plan(const question& asked, const messages::message& answer);
  void carry_out(const deployminator::bus::client_step& step);
  void carry_out(const deployminator::bus::follow_step& step);
  void answer(std::uint64_t id, const messages::place& asked);
  void ask_for_snapshot();
  void look();
  void check_look(const messages::envelope& e) const;
  void send(std::uint64_t id, const messages::message& body);
  void send_questions();
  void tick();
  void schedule();

  std::string name_;
  timeline& clock_;
  trace& record_;
  dice dice_;
  std::vector<std::string> servers_;
  std::size_t next_server_ = 0;
  network::process_bus bus_;
  deployminator::bus::client_session session_;
  deployminator::bus::socket_id orders_ = 0;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, question> questions_;
  std::vector<answered> answers_;
  std::string strategy_;
  moment calm_{0};

  std::string publish_;
  deployminator::bus::socket_id events_ = 0;
  bool subscribed_ = false;
  std::uint64_t snapshot_ = 0;
  std::uint64_t asked_ = 0;
  moment snapshot_asked_{0};
  std::optional<deployminator::bus::event_follower> follower_;
  std::vector<messages::event> seen_;
  std::uint64_t seen_from_ = 0;

  /// The look at the farm that is not answered yet, who led when it was asked, and when that was.
  std::uint64_t look_ = 0;
  std::uint64_t leader_then_ = 0;
  moment looked_at_{0};

  std::optional<moment> wake_at_;
};

} // namespace deployminator::simulation
