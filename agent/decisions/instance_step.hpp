#pragma once

#include "agent/decisions/instance.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::agent {

/// One event being worked on: the transitions, each a member. Those that take over what an earlier
/// agent left are in instance_takeover.cpp, those about the health of a program that runs in
/// instance_health.cpp, all others in instance.cpp; who else wants a transition calls `advance`.
class instance_step {
public:
  instance_step(instance_life& life, const moment& now) : life_(life), now_(now) {}

  void operator()(const begun& e);
  void operator()(const ordered& e);
  void operator()(const fetch_ended& e);
  void operator()(const fetch_note& e);
  void operator()(const reserve_ended& e);
  void operator()(const unpack_ended& e);
  void operator()(const remove_ended& e);
  void operator()(const process_changed& e);
  void operator()(const timer_fired& e);
  void operator()(const world_changed& e);
  void operator()(const check_due& e);
  void operator()(const check_ended& e);

  std::vector<instance_action> take_actions() {
    return std::move(actions_);
  }

private:
  [[nodiscard]] const messages::program& app() const {
    return life_.spec->app;
  }
  [[nodiscard]] messages::instance_goal goal() const {
    return life_.spec->goal;
  }

  void enter(instance_phase phase);
  void enter(instance_phase phase, messages::instance_state state, std::string reason);
  void act(instance_action action);
  void set_timer(std::chrono::milliseconds after);
  void rest(std::string reason, std::chrono::milliseconds wait);
  void proceed();
  void launch();
  void exchange_ports(std::uint16_t taken);
  void hope_again(const std::string& why);
  void fail_preparation(const std::string& reason);
  void recall(const found_instance& found, const std::string& output);
  [[nodiscard]] bool is_lost_job(const found_instance& found) const;
  void await_start();
  void take_up(std::int64_t pid);
  void take_up_checked(bool is_ready, std::chrono::milliseconds alive);
  void count_restart(messages::timestamp at);
  void on_started(const process_event& e);
  void on_ended(std::optional<int> exit, std::string reason, std::string output);
  void on_limited(const limit_hits& hits);
  void on_gone();
  void resume(const found_instance& found, const std::string& output);
  void end_run(const std::string& reason);
  [[nodiscard]] bool is_other_artifact() const;
  void become_ready();
  void become_ready_after(std::chrono::milliseconds wait);
  [[nodiscard]] messages::health_kind checked_by() const;
  void watch_health(std::chrono::milliseconds alive);
  void be_healthy();
  void wait_for_health(const std::string& seen);
  void be_unhealthy(const std::string& seen);
  void stop_to_restart();
  void on_told(const notice& said);
  [[nodiscard]] std::string status_text() const;
  void tell_status();
  void look_at_notices();
  void stop_program();
  void vanish();
  void clear();

  instance_life& life_;
  const moment& now_;
  std::vector<instance_action> actions_;
};

inline constexpr auto killed_with_starter = "its starter was killed, and the program with it";

} // namespace deployminator::agent
