#include "agent/decisions/public_ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace deployminator::agent {

namespace {

using messages::port_target;

bool is_given_and_differs(const std::string& wanted, const std::string& is) {
  return !wanted.empty() && wanted != is;
}

bool can_serve(const port_candidate& each) {
  return each.seen && each.seen->state == messages::instance_state::ready
         && each.spec->goal == messages::instance_goal::run;
}

bool is_leaving(const port_candidate& each) {
  return each.spec->goal == messages::instance_goal::stop;
}

auto age_of(const port_candidate& each) {
  return std::tuple{each.seen->ready_at.microseconds, each.spec->version, each.spec->id};
}

/// The instances that belong to an entry, and what became of the choice between them.
struct choice {
  std::size_t matching = 0;
  /// Of no use any more; not counted elsewhere.
  std::size_t leaving = 0;
  std::size_t ready = 0;
  const port_candidate* newest = nullptr;
};

choice choose(const messages::public_port_entry& entry, const port_candidates& instances) {
  choice out;
  for (const auto& [id, each] : instances) {
    if (!matches(entry, *each.spec))
      continue;
    ++(is_leaving(each) ? out.leaving : out.matching);
    if (!can_serve(each))
      continue;
    ++out.ready;
    if (!out.newest || age_of(*out.newest) < age_of(each))
      out.newest = &each;
  }
  return out;
}

std::string reason_for_none(const choice& c) {
  if (c.matching == 0)
    return c.leaving == 0 ? "no instance matches"
                          : "the last instance that matched is told to stop";
  return c.matching == 1 ? "the instance that matches is not ready"
                         : fmt::format("none of the {} instances that match is ready", c.matching);
}

port_target target_of(const choice& c, const messages::public_port_entry& entry,
                      const messages::public_port_mapping& wanted) {
  port_target out{.public_port = wanted.public_port, .label = entry.label};
  if (!c.newest) {
    out.reason = reason_for_none(c);
    return out;
  }
  const auto& [spec, seen] = *c.newest;
  if (wanted.port_index > seen->ports.size()) {
    out.reason = fmt::format("portindex is {}, but {}, the newest ready instance that matches, has "
                             "{} port{}",
                             wanted.port_index, spec->id, seen->ports.size(),
                             seen->ports.size() == 1 ? "" : "s");
    return out;
  }
  out.instance = spec->id;
  out.namespace_ = spec->namespace_;
  out.group = spec->group;
  out.version = spec->version;
  out.application = spec->app.name;
  out.port = seen->ports[wanted.port_index - 1];
  out.reason = c.ready == 1 ? "the only ready instance that matches"
                            : fmt::format("the newest of {} ready instances that match", c.ready);
  return out;
}

} // namespace

bool matches(const messages::public_port_entry& entry, const messages::instance_spec& spec) {
  return !is_given_and_differs(entry.repository, spec.app.repository)
         && !is_given_and_differs(entry.binary, spec.app.binary)
         && !is_given_and_differs(entry.group, spec.group)
         && !is_given_and_differs(entry.namespace_, spec.namespace_);
}

std::vector<port_target> choose_targets(const std::vector<messages::public_port_entry>& entries,
                                        const port_candidates& instances) {
  std::vector<port_target> out;
  for (const auto& entry : entries) {
    auto chosen = choose(entry, instances);
    for (const auto& each : entry.ports)
      out.push_back(target_of(chosen, entry, each));
  }
  std::sort(out.begin(), out.end(), [](const port_target& a, const port_target& b) {
    return a.public_port < b.public_port;
  });
  return out;
}

std::vector<port_target> while_stuck(const std::vector<port_target>& targets,
                                     const std::vector<port_target>& before,
                                     const std::string& problem) {
  std::vector<port_target> out;
  for (const auto& wanted : targets) {
    auto is = std::find_if(before.begin(), before.end(), [&](const port_target& each) {
      return each.public_port == wanted.public_port;
    });
    out.push_back(is == before.end() ? port_target{wanted.public_port, wanted.label} : *is);
    out.back().reason = problem;
  }
  return out;
}

port_map map_of(const std::vector<port_target>& targets) {
  port_map out;
  for (const auto& each : targets)
    if (each.port != 0)
      out.emplace(each.public_port, each.port);
  return out;
}

} // namespace deployminator::agent
