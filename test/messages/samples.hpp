#pragma once

#include "messages/wire.hpp"

#include <rapidcheck.h>

/// Generators of values for properties about messages.
namespace deployminator::messages::samples {

template <named_enum E>
E any_enum() {
  return static_cast<E>(*rc::gen::inRange<std::size_t>(0, enum_text<E>::names.size()));
}

inline std::string any_text() {
  return *rc::gen::arbitrary<std::string>();
}

inline timestamp any_timestamp() {
  constexpr std::int64_t end_of_9999 = 253'402'300'799'999'999;
  return {*rc::gen::inRange<std::int64_t>(0, end_of_9999)};
}

inline duration any_duration() {
  return duration{*rc::gen::inRange<std::int64_t>(-1'000'000'000, 1'000'000'000)};
}

inline program any_program() {
  program a;
  a.name = any_text();
  a.download_url = any_text();
  a.args = *rc::gen::arbitrary<std::vector<std::string>>();
  a.env = *rc::gen::arbitrary<std::map<std::string, std::string>>();
  a.limits = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange(-20, 20)};
  a.limits.bounds_address_space = *rc::gen::arbitrary<bool>();
  a.limits.max_kill_memory_mb = *rc::gen::arbitrary<std::uint64_t>();
  a.limits.cpu_percent = *rc::gen::arbitrary<std::uint64_t>();
  a.limits.processes = unlimited;
  a.min_ready = any_duration();
  a.health = {any_enum<health_kind>(),
              any_text(),
              *rc::gen::arbitrary<std::uint32_t>(),
              *rc::gen::arbitrary<std::vector<std::string>>(),
              any_duration(),
              any_duration(),
              *rc::gen::arbitrary<std::uint32_t>(),
              any_duration(),
              any_duration()};
  a.restart.policy = any_enum<restart_policy>();
  a.restart.backoff_max = any_duration();
  a.services = {{any_text(), *rc::gen::arbitrary<std::uint32_t>(), {any_text()}}};
  a.type = any_enum<deploy_type>();
  a.static_target_dir = any_text();
  a.critical = *rc::gen::arbitrary<bool>();
  return a;
}

inline application any_application() {
  application a;
  static_cast<program&>(a) = any_program();
  a.id = *rc::gen::arbitrary<std::uint64_t>();
  a.artifact_id = any_text();
  a.instances = *rc::gen::arbitrary<std::uint32_t>();
  a.per_machine = *rc::gen::arbitrary<bool>();
  a.machine_groups = *rc::gen::arbitrary<std::vector<std::string>>();
  a.strategy = any_text();
  a.rollout.deadline = any_duration();
  return a;
}

inline instance_spec any_spec() {
  return {any_text(),
          any_text(),
          any_text(),
          *rc::gen::arbitrary<std::uint64_t>(),
          *rc::gen::arbitrary<std::uint64_t>(),
          any_enum<instance_goal>(),
          *rc::gen::arbitrary<std::uint64_t>(),
          any_program()};
}

inline observation any_observation() {
  observation o;
  o.id = any_text();
  o.state = any_enum<instance_state>();
  o.fetched = *rc::gen::arbitrary<bool>();
  o.pid = *rc::gen::arbitrary<std::int64_t>();
  o.ports = *rc::gen::arbitrary<std::vector<std::uint16_t>>();
  o.restarts = *rc::gen::arbitrary<std::uint32_t>();
  o.started_at = any_timestamp();
  if (*rc::gen::arbitrary<bool>())
    o.exit = *rc::gen::arbitrary<int>();
  o.output = any_text();
  o.stuck = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>())
    o.restarted_at = {any_timestamp()};
  return o;
}

inline std::uint16_t any_port() {
  return *rc::gen::arbitrary<std::uint16_t>();
}

inline public_ports any_public_ports() {
  public_ports out;
  out.problem = any_text();
  if (*rc::gen::arbitrary<bool>())
    out.list.push_back({any_port(), any_text(), any_text(), any_text(), any_text(),
                        *rc::gen::arbitrary<std::uint64_t>(), any_text(), any_port(), any_text()});
  return out;
}

inline event::content any_content() {
  switch (*rc::gen::inRange(0, 9)) {
    case 0: {
      download_progress d{any_text(), any_text(), {any_text()}};
      d.bytes = *rc::gen::arbitrary<std::uint64_t>();
      d.bytes_per_second = *rc::gen::arbitrary<double>();
      if (*rc::gen::arbitrary<bool>())
        d.total = *rc::gen::arbitrary<std::uint64_t>();
      return d;
    }
    case 1: {
      instance_change c{any_text(), any_text(), any_text()};
      c.to = any_enum<instance_state>();
      c.ports = *rc::gen::arbitrary<std::vector<std::uint16_t>>();
      if (*rc::gen::arbitrary<bool>())
        c.exit = *rc::gen::arbitrary<int>();
      return c;
    }
    case 2:
      return machine_change{any_text(), any_enum<machine_state>(), any_enum<machine_state>(),
                            any_text()};
    case 3:
      return rollout_step{any_text(), any_text(), *rc::gen::arbitrary<std::uint64_t>()};
    case 4:
      return port_change{any_text(), any_port(), any_text(), any_text(),
                         any_text(), any_port(), any_text()};
    case 5:
      return port_problem{any_text(), any_text()};
    case 6:
      return key_change{any_text(), any_enum<key_role>(), any_enum<key_state>(), any_text()};
    case 7:
      return trouble_change{any_text(), any_text(), any_timestamp(), any_text(),
                            *rc::gen::arbitrary<bool>()};
    default:
      return rollout_finished{any_enum<rollout_outcome>(), any_text(),
                              *rc::gen::arbitrary<std::uint64_t>(),
                              *rc::gen::arbitrary<std::uint64_t>()};
  }
}

/// About a group or about none: then the header's last keys are left out.
inline event any_event() {
  event e{*rc::gen::arbitrary<std::uint64_t>(), any_timestamp()};
  e.what = any_content();
  if (*rc::gen::arbitrary<bool>()) {
    e.namespace_ = any_text();
    e.group = "g" + any_text();
    e.version = *rc::gen::arbitrary<std::uint64_t>();
  }
  return e;
}

template <class T, class F>
std::vector<T> any_list(F make) {
  std::vector<T> out(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& each : out)
    each = make();
  return out;
}

/// One of the messages that carry the most.
inline message any_message() {
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
      return submit_build{any_text(), any_text(), any_text(), *rc::gen::arbitrary<std::uint64_t>()};
    case 1: {
      assignment a;
      a.generation = *rc::gen::arbitrary<std::uint64_t>();
      a.put = any_list<instance_spec>(any_spec);
      a.removed = *rc::gen::arbitrary<std::vector<std::string>>();
      return a;
    }
    case 2:
      return report{*rc::gen::arbitrary<std::uint64_t>(),
                    *rc::gen::arbitrary<bool>(),
                    any_list<observation>(any_observation),
                    any_list<observation>(any_observation),
                    any_public_ports(),
                    std::vector<machine_trouble>{{any_text(), any_timestamp(), any_text()}}};
    case 3:
      return events{any_list<event>(any_event)};
    case 5:
      return placed{*rc::gen::arbitrary<std::vector<std::string>>(), any_text()};
    case 6: {
      place p{any_text(), any_text(), *rc::gen::arbitrary<std::uint64_t>()};
      p.machines = {{any_text(), *rc::gen::arbitrary<bool>()}};
      return p;
    }
    case 4:
      return refusal{{any_enum<failure_code>(), any_text(), any_text()}};
    default: {
      log_chunk c;
      c.offset = *rc::gen::arbitrary<std::uint64_t>();
      c.data = *rc::gen::arbitrary<std::vector<char>>();
      c.end = *rc::gen::arbitrary<std::uint64_t>();
      return c;
    }
  }
}

inline envelope any_envelope() {
  return {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>(),
          any_message()};
}

} // namespace deployminator::messages::samples
