#include "support/agent_bench.hpp"

#include "actors/common/gateway.hpp"
#include "agent/journal.hpp"
#include "messages/codec.hpp"
#include "messages/digest.hpp"

#include <doctest/doctest.h>

namespace deployminator::agent {

using ::deployminator::bus::socket_id;
using ::deployminator::bus::socket_kind;
using namespace std::chrono_literals;

messages::result<socket_id> recording_bus::open(socket_kind kind, const std::string& endpoint) {
  sockets[++last_] = {kind, endpoint};
  return last_;
}

void recording_bus::close(socket_id socket) {
  sockets.erase(socket);
}

void recording_bus::send(socket_id socket, std::string, std::string bytes) {
  auto decoded = messages::decode(bytes);
  REQUIRE(decoded);
  auto& list = sockets.at(socket).kind == socket_kind::orders_client ? orders : progress;
  list.push_back(*decoded);
}

agent_bench::process::process(std::chrono::nanoseconds now) {
  scheduler.advance_time(now);
}

agent_bench::agent_bench()
  : machine([this] { return messages::timestamp{now_.count() / 1'000 + 1'700'000'000'000'000}; }) {}

agent_bench::~agent_bench() {
  crash();
}

void agent_bench::start() {
  running = std::make_unique<process>(now_);
  auto& p = *running;
  p.world = machine.world();
  p.world.key = key;
  p.gateway = p.system.spawn(common::gateway, &wire);
  p.journal = p.system.spawn(journal, &p.world);
  agent_config config{"m1", {"worker"}, 1'000, servers};
  p.agent = p.system.spawn(agent, config, &p.world, p.gateway, p.journal);
  machine.attach([agent = p.agent](const process_event& event) { caf::anon_send(agent, event); });
  settle();
}

void agent_bench::crash() {
  if (!running)
    return;
  machine.forget_agent();
  for (auto& actor :
       {caf::actor_cast<caf::actor>(running->agent), caf::actor_cast<caf::actor>(running->journal),
        caf::actor_cast<caf::actor>(running->gateway)})
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  running->scheduler.run();
  running.reset();
  wire.sockets.clear();
}

void agent_bench::settle() {
  do
    running->scheduler.run();
  while (machine.answer_one() || running->scheduler.has_job());
}

void agent_bench::pass(std::chrono::milliseconds time) {
  for (auto step = 10ms; time > 0ms; time -= step) {
    now_ += std::min(step, time);
    running->scheduler.advance_time(std::min(step, time));
    settle();
    if (server_is_silent || now_ - last_heartbeat_ < 1s)
      continue;
    last_heartbeat_ = now_;
    messages::heartbeat beat;
    if (server_is_ahead)
      beat.time = messages::timestamp{machine.world().ambient.utc_now().microseconds
                                      + *server_is_ahead / std::chrono::microseconds{1}};
    say(beat);
  }
}

void agent_bench::say(messages::message body, std::uint64_t its_epoch, std::uint64_t id) {
  messages::envelope e{id, its_epoch ? its_epoch : epoch, std::move(body)};
  for (const auto& [socket, what] : wire.sockets)
    if (what.kind == socket_kind::orders_client)
      caf::anon_send(running->gateway,
                     ::deployminator::bus::inbound{socket, {}, encode(e), server_key});
  settle();
}

void agent_bench::welcome(bool report_wanted) {
  say(messages::welcome{1, "deployminator test", "tcp://127.0.0.1:4002", "tcp://127.0.0.1:4003",
                        report_wanted});
}

void agent_bench::assign(std::uint64_t generation,
                         const std::vector<messages::instance_spec>& wanted) {
  say(messages::assignment{0, generation, messages::digest_of(wanted), 0, 1, wanted, {}});
}

void agent_bench::believe() {
  for (bool any = true; any;) {
    auto reports = heard<messages::report>();
    any = !reports.empty();
    for (const auto& report : reports) {
      if (report.full)
        seen.clear();
      for (const auto& each : report.seen)
        seen[each.id] = each;
      ports = report.ports.value_or(ports);
      troubles = report.troubles.value_or(troubles);
      for (const auto& each : report.gone) {
        seen.erase(each.id);
        gone.push_back(each);
      }
      say(messages::reported{report.revision});
    }
  }
}

messages::instance_spec agent_bench::spec(const std::string& id,
                                          messages::instance_goal goal) const {
  messages::instance_spec out;
  out.id = id;
  out.namespace_ = "shop";
  out.group = "front";
  out.version = 3;
  out.goal = goal;
  out.app.name = "web";
  out.app.binary = "bin/web";
  out.app.args = {"--port", "${PORT1}"};
  out.app.download_url = "http://example.org/web.tar";
  return out;
}

} // namespace deployminator::agent
