#include "test/store/change_generator.hpp"

#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <rapidcheck.h>

namespace deployminator::test {

namespace {

using namespace messages;

template <class T = int>
T below(T end) {
  return *rc::gen::inRange<T>(0, end);
}

bool maybe() {
  return below(2) == 0;
}

std::uint64_t any_count() {
  return *rc::gen::element<std::uint64_t>(0, 1, 42, 5'000'000'000,
                                          std::numeric_limits<std::int64_t>::max());
}

/// What programs and people write.
std::string any_text() {
  return *rc::gen::element<std::string>("", "plain", "it's \"quoted\"; -- %s ?", "Zürich 🚀",
                                        "two\nlines\ttab", std::string("nul\0in", 6),
                                        "\xff\xfe no UTF-8", "{\"json\": [1]}", "007");
}

timestamp any_time() {
  return {*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000)};
}

duration any_duration() {
  return duration{*rc::gen::inRange<std::int64_t>(0, 10'000'000'000)};
}

double any_number() {
  return *rc::gen::element(0.0, -0.0, 0.1, 1e300, 5.0, 1.0 / 3,
                           std::numeric_limits<double>::infinity());
}

template <class E>
E any_of() {
  return static_cast<E>(below(static_cast<int>(enum_text<E>::names.size())));
}

template <class Map>
const auto& any_in(const Map& map) {
  return std::next(map.begin(), below(static_cast<int>(map.size())))->second;
}

std::vector<std::string> any_texts() {
  std::vector<std::string> texts(below<std::size_t>(3));
  for (auto& each : texts)
    each = any_text();
  return texts;
}

std::set<std::string> any_names() {
  auto texts = any_texts();
  return {texts.begin(), texts.end()};
}

std::vector<std::uint16_t> any_ports() {
  std::vector<std::uint16_t> ports;
  for (auto n = below(3); n > 0; --n)
    ports.push_back(*rc::gen::inRange<std::uint16_t>(4100, 65535));
  return ports;
}

application any_application(std::uint64_t id, std::string name) {
  application app;
  app.id = id;
  app.name = std::move(name);
  app.repository = any_text();
  app.artifact_id = any_text();
  app.download_url = any_text();
  app.download_user = any_text();
  app.download_password = any_text();
  app.binary = any_text();
  app.args = any_texts();
  app.env = {{any_text(), any_text()}, {"KEY", any_text()}};
  app.instances = below<std::uint32_t>(100);
  app.per_machine = maybe();
  app.machine_groups = any_texts();
  app.strategy = any_text();
  app.always_on = maybe();
  app.discard_log = maybe();
  app.interpreter = maybe() ? std::vector<std::string>{"java", "-jar"} : std::vector<std::string>{};
  app.limits = {any_count(), below(40) - 20};
  app.min_ready = any_duration();
  app.rollout = {{below<std::uint32_t>(101), maybe()},
                 any_duration(),
                 {},
                 any_of<rollout_order>(),
                 below<std::uint32_t>(3),
                 maybe()};
  app.health
    = {any_of<health_kind>(), any_text(), below<std::uint32_t>(5), any_texts(),   any_duration(),
       any_duration(),        7,          any_duration(),          any_duration()};
  app.restart = {any_of<restart_policy>(), any_duration(), any_duration(), 7, any_duration()};
  app.stop = {below(64), any_duration(), any_of<stop_target>()};
  app.java = maybe();
  app.rerun = maybe();
  app.type = any_of<deploy_type>();
  app.static_target_dir = any_text();
  app.critical = maybe();
  app.services = {{any_text(), below<std::uint32_t>(5), any_texts()}};
  app.sha256 = maybe() ? std::string(64, 'a') : "";
  return app;
}

observation any_observation(const std::string& id) {
  observation o;
  o.id = id;
  o.state = any_of<instance_state>();
  o.fetched = maybe();
  o.sha256 = maybe() ? std::string(64, 'b') : "";
  o.pid = below(100'000);
  o.uid = below(100'000);
  o.ports = any_ports();
  o.restarts = below<std::uint32_t>(10);
  o.started_at = any_time();
  o.ready_at = any_time();
  if (maybe())
    o.exit = below(256);
  o.reason = any_text();
  o.output = any_text();
  return o;
}

public_ports any_public_ports() {
  public_ports out;
  out.problem = any_text();
  for (auto port : any_ports())
    out.list.push_back({port, any_text(), any_text(), any_text(), any_text(), any_count(),
                        any_text(), port, any_text()});
  return out;
}

std::vector<machine_trouble> any_troubles() {
  return maybe() ? std::vector<machine_trouble>{{any_text(), any_time(), any_text()}}
                 : std::vector<machine_trouble>{};
}

event::content any_content() {
  switch (below(9)) {
    case 0: {
      download_progress p{any_text(), any_text(), any_texts(), any_count(), {}, any_number(), {}};
      if (maybe())
        p.total = any_count();
      if (maybe())
        p.eta = any_number();
      return p;
    }
    case 1:
      return instance_change{any_text(),
                             any_text(),
                             any_text(),
                             any_of<instance_state>(),
                             any_of<instance_state>(),
                             below(1000),
                             any_ports(),
                             3,
                             maybe() ? std::optional{1} : std::nullopt,
                             any_text(),
                             any_text()};
    case 2:
      return machine_change{any_text(), any_of<machine_state>(), any_of<machine_state>(),
                            any_text()};
    case 3:
      return rollout_step{any_text(), any_text(), any_count()};
    case 4:
      return port_change{any_text(), 80, any_text(), any_text(), any_text(), 4100, any_text()};
    case 5:
      return port_problem{any_text(), any_text()};
    case 6:
      return key_change{any_text(), any_of<key_role>(), any_of<key_state>(), any_text()};
    case 7:
      return trouble_change{any_text(), any_text(), any_time(), any_text(), maybe()};
    default:
      return rollout_finished{any_of<rollout_outcome>(), any_text(), any_count(), any_count()};
  }
}

/// Without a group an event has no namespace and no version.
event any_event() {
  event e;
  e.time = any_time();
  if (maybe()) {
    e.namespace_ = any_text();
    e.group = "group";
    e.version = any_count();
  }
  e.what = any_content();
  return e;
}

/// Puts a change together, keeping up with what the farm looks like after it.
struct composer {
  farm after;
  change made;

  template <class Key, class T>
  void put(std::vector<T>& rows, std::map<Key, T>& all, const Key& key, T row) {
    rows.push_back(row);
    all[key] = std::move(row);
  }

  std::uint64_t version_or_none() {
    return after.versions.empty() || maybe() ? 0 : any_in(after.versions).id;
  }

  void add_group() {
    auto id = after.groups.empty() ? 1 : after.groups.rbegin()->first + 1 + below<std::uint64_t>(3);
    put(made.groups, after.groups, id,
        {id, maybe() ? "space" : "Space", fmt::format("group {}", id), 0, 0, any_names()});
  }

  void change_group() {
    if (after.groups.empty())
      return;
    auto g = any_in(after.groups);
    g.deployed_version = version_or_none();
    g.pending_version = version_or_none();
    g.stopped = any_names();
    put(made.groups, after.groups, g.id, g);
  }

  /// The ids of its applications descend: their order is not that of the ids.
  void add_version() {
    if (after.groups.empty())
      return;
    version v;
    v.id = after.versions.empty() ? 1 : after.versions.rbegin()->first + 1;
    v.group_id = any_in(after.groups).id;
    v.created_at = any_time();
    v.build = any_count();
    v.repository = any_text();
    v.artifact_id = any_text();
    v.branch = any_text();
    v.commit = any_text();
    v.state = any_of<version_state>();
    v.last_deployed = any_count();
    auto count = 1 + below<std::uint64_t>(3);
    for (auto n = count; n > 0; --n)
      v.applications.push_back(
        any_application(after.last_application + n, fmt::format("app {}", n)));
    after.last_application += count;
    put(made.versions, after.versions, v.id, v);
  }

  void change_version() {
    if (after.versions.empty())
      return;
    auto v = any_in(after.versions);
    v.state = any_of<version_state>();
    v.last_deployed = any_count();
    for (auto& app : v.applications)
      if (maybe())
        app.sha256 = std::string(64, 'c');
    put(made.versions, after.versions, v.id, v);
  }

  /// One that nothing refers to, and not the newest.
  void forget_version() {
    std::set<std::uint64_t> used;
    for (const auto& [id, g] : after.groups)
      used.insert({g.deployed_version, g.pending_version});
    for (const auto& [id, r] : after.rollouts)
      used.insert({r.from, r.to});
    for (const auto& [id, i] : after.instances)
      used.insert(i.version_id);
    // What this change has put to rest in another row may still be there when it goes.
    for (const auto& each : made.instances)
      used.insert(each.version_id);
    std::vector<std::uint64_t> free;
    for (const auto& [id, v] : after.versions)
      if (!used.contains(id) && id != after.versions.rbegin()->first)
        free.push_back(id);
    if (free.empty())
      return;
    auto id = free[below(free.size())];
    const auto& v = after.versions.at(id);
    made.gone_versions.push_back({id, v.group_id, {}});
    for (const auto& app : v.applications)
      made.gone_versions.back().applications.push_back(app.id);
    after.versions.erase(id);
    std::erase_if(made.versions, [&](const version& each) { return each.id == id; });
  }

  void put_instance() {
    if (after.versions.empty())
      return;
    const auto& v = any_in(after.versions);
    const auto& app = v.applications[below(v.applications.size())];
    instance i;
    i.id = fmt::format("i-{}", below(6));
    i.version_id = v.id;
    i.group_id = v.group_id;
    i.application = app.name;
    i.machine = any_text();
    i.memory_mb = app.limits.max_memory_mb;
    i.goal = any_of<instance_goal>();
    i.revision = any_count();
    i.seen = any_observation(i.id);
    made.instances.push_back(i);
    after.instances.put(std::move(i));
  }

  /// Gone rows go after the others, so a new row of the same change is left alone.
  void drop_instance() {
    if (after.instances.empty())
      return;
    const auto& gone = any_in(after.instances);
    made.gone_instances.push_back({gone.id, gone.group_id});
    after.instances.erase(made.gone_instances.back().id);
  }

  void put_machine() {
    auto name = fmt::format("machine {}", below(3));
    put(made.machines, after.machines, name,
        {name, any_text(), any_texts(), any_count(), any_text(), any_time(), any_count(),
         any_public_ports(), any_troubles(), maybe(), maybe()});
  }

  /// One that this change does not put as well: which of both is meant would be nobody's to say.
  void forget_machine() {
    if (after.machines.empty())
      return;
    auto name = any_in(after.machines).name;
    after.machines.erase(name);
    std::erase_if(made.machines, [&](const machine& each) { return each.name == name; });
    made.gone_machines.push_back(name);
  }

  void put_rollout() {
    if (after.groups.empty())
      return;
    rollout r;
    r.group_id = any_in(after.groups).id;
    r.id = any_count();
    r.from = version_or_none();
    r.to = version_or_none();
    r.phase = any_of<rollout_phase>();
    r.started_at = any_time();
    r.coming = any_texts();
    r.leaving = any_texts();
    r.each_alone = maybe();
    r.purpose = any_text();
    r.failure = any_text();
    r.order_id = any_text();
    r.canary = any_of<canary_state>();
    r.paused = maybe();
    r.aborted = maybe();
    put(made.rollouts, after.rollouts, r.group_id, r);
  }

  void finish_rollout() {
    if (after.rollouts.empty())
      return;
    auto id = any_in(after.rollouts).group_id;
    after.rollouts.erase(id);
    made.finished_rollouts.push_back({id, any_of<rollout_outcome>(), maybe()});
  }

  /// Its digest may be any number of 64 bits, its time any at all.
  void put_receipt() {
    receipt r;
    r.id = fmt::format("order-{}", below(5));
    r.digest = any_count() * 2 + 1;
    r.who = any_text();
    r.time = any_time();
    r.versions = {{any_text(), any_text(), any_count(), any_count()}};
    r.seq = any_count();
    r.what = any_text();
    r.ends = {{any_count(), any_of<rollout_outcome>(), any_time(), any_text()}};
    put(made.receipts, after.receipts, r.id, r);
  }

  void put_key() {
    access_key k;
    k.id = static_cast<std::uint64_t>(below(4)) + 1;
    k.grant = {any_text(), any_of<key_role>(), any_text(), any_texts(), any_texts()};
    k.created_at = any_time();
    k.created_by = any_text();
    k.revoked_at = any_time();
    put(made.keys, after.keys, k.id, k);
  }

  void add_event() {
    made.events.push_back(any_event());
  }
};

} // namespace

change any_change(const farm& before) {
  static constexpr std::array steps{
    &composer::add_group,      &composer::change_group,   &composer::add_version,
    &composer::change_version, &composer::put_instance,   &composer::put_machine,
    &composer::put_rollout,    &composer::put_receipt,    &composer::add_event,
    &composer::drop_instance,  &composer::forget_version, &composer::finish_rollout,
    &composer::put_key,        &composer::forget_machine,
  };
  composer c{before, {}};
  for (auto step : steps)
    for (auto times = below(3); times > 0; --times)
      (c.*step)();
  return std::move(c.made);
}

} // namespace deployminator::test
