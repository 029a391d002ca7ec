#include "test/bench/swarm/questioner.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace deployminator::bench {

namespace {

constexpr std::chrono::milliseconds interval{100};
/// No agent has it.
constexpr std::uint16_t own_number = 65'535;

double seconds_since(time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

/// A question counts from when it is first due, also while there is no session to ask it in.
class asking_peer : public peer {
public:
  explicit asking_peer(questioner::record& out) : peer(own_number), out_(out) {}

private:
  messages::hello introduction() override {
    return {.software = "swarm"};
  }

  void session_opened(time_point, const messages::welcome&) override {
    is_sent_ = false;
  }

  void session_lost() override {}

  void take(time_point now, const messages::envelope& e) override {
    if (e.id != id_ || !is_sent_)
      return;
    out_.worst = std::max(out_.worst.load(), seconds_since(out_.asked_at));
    next_at_ = std::max(out_.asked_at.load() + interval, now);
    out_.asked_at = time_point::max();
    ++out_.answers;
    is_sent_ = false;
  }

  void say_what_is_due(time_point now) override {
    if (is_sent_ || now < next_at_)
      return;
    if (out_.asked_at.load() == time_point::max())
      out_.asked_at = now;
    is_sent_ = true;
    send(now, messages::query{}, ++id_);
  }

  time_point next_due() const override {
    return is_sent_ ? time_point::max() : next_at_;
  }

  questioner::record& out_;
  std::uint64_t id_ = 0;
  bool is_sent_ = false;
  time_point next_at_ = time_point::min();
};

} // namespace

questioner::questioner(std::uint16_t server_port) : loop_(server_port) {
  record_.asked_at = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<peer>> one;
  one.push_back(std::make_unique<asking_peer>(record_));
  loop_.add(std::move(one));
}

double questioner::worst_answer_seconds() const {
  auto waiting_since = record_.asked_at.load();
  auto worst = record_.worst.load();
  return waiting_since == time_point::max() ? worst : std::max(worst, seconds_since(waiting_since));
}

std::uint64_t questioner::answers() const {
  return record_.answers;
}

} // namespace deployminator::bench
