#include "simulation/client.hpp"

#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace deployminator::simulation {

namespace {

using namespace messages;
using deployminator::bus::socket_kind;

constexpr moment repeat_after = 3s;
constexpr moment between_looks = 4s;

} // namespace

client::client(std::string name, timeline& clock, network& net, trace& record, std::uint64_t seed,
               std::vector<std::string> servers)
  : name_(std::move(name)), clock_(clock), record_(record), dice_(seed, name_),
    servers_(std::move(servers)),
    bus_(net, name_, [this](const deployminator::bus::inbound& in) { take(in); }) {
  open_orders();
  schedule();
}

deployminator::bus::time_point client::steady() const {
  return steady_at(clock_.now());
}

void client::order(std::string order_id, message body) {
  questions_[++last_id_] = {std::move(order_id), std::move(body)};
  send_questions();
}

void client::plan(submit_build build, moment think) {
  auto id = build.order_id;
  questions_[++last_id_] = {std::move(id), plan_build{std::move(build), 0}, -1h, think};
  send_questions();
}

void client::take_plan(const question& asked, const message& answer) {
  auto build = std::get<plan_build>(asked.body).order;
  if (const auto* told = std::get_if<build_plan>(&answer); told && !told->more) {
    build.plan_digest = told->digest;
    on_plan(asked.order_id, *told);
  }
  clock_.after(asked.think, [this, build] { order(build.order_id, build); });
}

void client::offer(std::string strategy, moment calm) {
  strategy_ = std::move(strategy);
  calm_ = calm;
}

std::string client::order_of(std::uint64_t id) const {
  auto found = questions_.find(id);
  return found == questions_.end() ? std::string{} : found->second.order_id;
}

void client::open_orders() {
  if (orders_ != 0)
    bus_.close(orders_);
  auto opened = bus_.open(socket_kind::orders_client, servers_[next_server_]);
  next_server_ = (next_server_ + 1) % servers_.size();
  orders_ = *opened;
}

void client::open_events() {
  if (events_ != 0)
    bus_.close(events_);
  subscribed_ = false;
  events_ = *bus_.open(socket_kind::events_client, publish_);
}

void client::send(std::uint64_t id, const message& body) {
  bus_.send(orders_, {}, encode({id, session_.epoch(), body}));
  session_.sent(steady());
}

void client::send_questions() {
  if (!session_.is_open())
    return;
  for (auto& [id, each] : questions_)
    if (clock_.now() - each.last_sent >= repeat_after) {
      each.last_sent = clock_.now();
      send(id, each.body);
    }
}

void client::ask_for_snapshot() {
  follower_.reset();
  snapshot_asked_ = clock_.now();
  snapshot_ = ++last_id_;
  send(snapshot_, query{});
}

/// As `deploy status` does now and then.
void client::look() {
  look_ = ++last_id_;
  leader_then_ = leader();
  looked_at_ = clock_.now();
  send(look_, query{});
}

void client::check_look(const envelope& e) const {
  const auto* rows = std::get_if<table>(&e.body);
  if (rows && rows->troubles.empty() && e.epoch < leader_then_)
    record_.break_promise("what is shown without a warning is of the server that leads",
                          fmt::format("{} got it from epoch {}, though {} led when it asked", name_,
                                      e.epoch, leader_then_));
}

void client::take(const deployminator::bus::inbound& in) {
  if (in.socket == events_ && in.bytes.empty()) {
    subscribed_ = true;
    if (follower_)
      carry_out(follower_->subscribed(steady()));
    return schedule();
  }
  auto decoded = decode(in.bytes);
  if (!decoded)
    return record_.break_promise("messages can be read", decoded.error().message);
  if (in.socket == events_ && follower_)
    carry_out(follower_->published(steady(), *decoded));
  else if (in.socket == orders_)
    take_answer(*decoded);
  schedule();
}

void client::answer(std::uint64_t id, const place& asked) {
  auto mood = clock_.now() < calm_ ? dice_.unit() : 1.0;
  if (mood < 0.1)
    return;
  if (mood < 0.2)
    return send(id, refusal{{failure_code::refused, "it would rather not", ""}});
  placed out{{}, "one after the other"};
  for (const auto& each : asked.machines)
    if (each.reachable)
      out.machines.push_back(each.name);
  for (std::size_t i = 0; !out.machines.empty() && out.machines.size() < asked.missing; ++i)
    out.machines.push_back(out.machines[i]);
  out.machines.resize(std::min<std::size_t>(out.machines.size(), asked.missing));
  if (mood < 0.3 && !out.machines.empty())
    out.machines.front() = "moon";
  if (mood >= 0.4)
    return send(id, out);
  clock_.at(clock_.now() + dice_.between(1s, 6s), [this, id, out] { send(id, out); });
}

void client::take_answer(const envelope& e) {
  auto highest = session_.epoch();
  auto step = session_.arrived(steady(), e, dice_.unit());
  if (step.opened && e.epoch < highest)
    record_.break_promise(
      "a lower epoch changes nothing",
      fmt::format("{} obeys a server of epoch {} after one of epoch {}", name_, e.epoch, highest));
  // Each hello ends the offer, also one that was repeated and came late.
  if (std::holds_alternative<welcome>(e.body) && session_.is_open() && !strategy_.empty())
    send(++last_id_, offer_strategy{strategy_});
  if (step.opened) {
    for (auto& [id, each] : questions_)
      each.last_sent = -1h;
    if (std::get<welcome>(e.body).publish != publish_) {
      publish_ = std::get<welcome>(e.body).publish;
      open_events();
    }
  }
  carry_out(step);
  send_questions();
  if (step.ignore || step.opened || e.id == 0)
    return;
  if (const auto* asked = std::get_if<place>(&e.body))
    return answer(e.id, *asked);
  if (e.id == look_) {
    check_look(e);
  } else if (e.id == snapshot_) {
    snapshot_ = 0;
    const auto* rows = std::get_if<table>(&e.body);
    if (!rows)
      return;
    seen_.clear();
    seen_from_ = rows->seq;
    follower_.emplace(steady(), rows->seq, session_.epoch());
    carry_out(follower_->subscribed(steady()));
  } else if (e.id == asked_ && follower_) {
    asked_ = 0;
    if (const auto* page = std::get_if<event_page>(&e.body))
      carry_out(follower_->answered(steady(), e.epoch, *page));
  } else if (auto found = questions_.find(e.id); found != questions_.end()) {
    record_.tell(name_,
                 fmt::format("order {} is answered: {}", found->second.order_id,
                             std::holds_alternative<accepted>(e.body)     ? std::string{"accepted"}
                             : std::holds_alternative<build_plan>(e.body) ? "planned"
                             : std::holds_alternative<refusal>(e.body)
                               ? std::get<refusal>(e.body).error.message
                               : std::string{"?"}));
    // What a server could not do now it may do later; an order that makes no sense stays so.
    if (const auto* no = std::get_if<refusal>(&e.body);
        no
        && (no->error.code == failure_code::internal || no->error.code == failure_code::timeout)) {
      found->second.last_sent = clock_.now();
      return;
    }
    auto asked = std::move(found->second);
    questions_.erase(found);
    if (std::holds_alternative<plan_build>(asked.body))
      return take_plan(asked, e.body);
    answers_.push_back({asked.order_id, e.body});
  }
}

void client::carry_out(const deployminator::bus::client_step& step) {
  if (step.reopen)
    open_orders();
  if (step.send_hello) {
    hello h;
    h.epoch = session_.epoch();
    send(0, h);
  }
  if (step.send_heartbeat)
    send(0, session_.heartbeat());
}

void client::carry_out(const deployminator::bus::follow_step& step) {
  seen_.insert(seen_.end(), step.events.begin(), step.events.end());
  std::erase_if(seen_, [](const event& each) { return each.seq == 0; });
  if (step.resubscribe)
    open_events();
  if (step.ask_after && session_.is_open()) {
    asked_ = ++last_id_;
    send(asked_, events_after{*step.ask_after});
  }
  // There is but one history here, and the database forgets nothing of it.
  if (step.start_over)
    record_.break_promise("watchers see every event once", name_ + " has to begin anew");
}

void client::tick() {
  wake_at_.reset();
  if (steady() >= session_.next_wake())
    carry_out(session_.tick(steady(), dice_.unit()));
  if (follower_ && steady() >= follower_->next_wake())
    carry_out(follower_->tick(steady()));
  bool wants_snapshot = session_.is_open() && subscribed_ && !follower_;
  if (wants_snapshot && (snapshot_ == 0 || clock_.now() - snapshot_asked_ >= repeat_after))
    ask_for_snapshot();
  if (session_.is_open() && clock_.now() - looked_at_ >= between_looks)
    look();
  send_questions();
  schedule();
}

void client::schedule() {
  auto next = session_.next_wake();
  if (follower_)
    next = std::min(next, follower_->next_wake());
  auto when = std::max(clock_.now(), moment_of(next));
  when = std::min(when, clock_.now() + 1s);
  if (wake_at_ && *wake_at_ <= when)
    return;
  wake_at_ = when;
  clock_.at(when, [this, when] {
    if (wake_at_ == when)
      tick();
  });
}

} // namespace deployminator::simulation
