#include "store/farm_reader.hpp"

#include "store/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace deployminator::store {

namespace {

using messages::application;
using messages::failure;
using messages::failure_code;
using messages::farm;

/// Calls `take` with each row; `select` yields the row's key first.
template <class Take, class... Parameters>
void each_row(connection& db, std::string_view table, std::string_view select, Take take,
              const Parameters&... parameters) {
  rows found{db, select, parameters...};
  while (found.next()) {
    try {
      take(found);
    } catch (const damage& why) {
      throw store_error(failure{
        failure_code::internal,
        fmt::format("the database {} is damaged: in table {}, row {}, {}", db.name(), table,
                    found.text(0), why.what()),
        "restore a backup, or stop the server and mend the row by hand (see store/README.md)"});
    }
  }
}

template <class Map>
auto& named(Map& map, std::uint64_t id, std::string_view column) {
  auto found = map.find(id);
  if (found == map.end())
    throw damage(fmt::format("`{}` is {}, expected the id of a row that exists", column, id));
  return found->second;
}

void check_version(const farm& f, std::uint64_t id, std::string_view column) {
  if (id != 0)
    named(f.versions, id, column);
}

void read_groups(connection& db, farm& f) {
  each_row(
    db, "appgroup",
    "SELECT id, namespace, groupname, deployedversion, pendingversion, stopped FROM appgroup",
    [&](rows& r) {
      messages::group g{r.number(0), r.text(1),   r.text(2),
                        r.number(3), r.number(4), r.value<std::set<std::string>>(5)};
      f.groups.emplace(g.id, std::move(g));
    });
}

void read_versions(connection& db, farm& f) {
  each_row(db, "group_version",
           "SELECT id, group_id, created, build, repository, artifact_id, branch, commit_id, "
           "state, last_deployed, created_by FROM group_version",
           [&](rows& r) {
             named(f.groups, r.number(1), "group_id");
             messages::version v{r.number(0), r.number(1),
                                 r.time(2),   r.number(3),
                                 r.text(4),   r.text(5),
                                 r.text(6),   r.text(7),
                                 r.text(10),  r.name_of<messages::version_state>(8),
                                 r.number(9), {}};
             f.versions.emplace(v.id, std::move(v));
           });
}

std::map<std::uint64_t, application> read_applications(connection& db) {
  std::map<std::uint64_t, application> applications;
  each_row(db, "appdef", "SELECT id, definition, sha256 FROM appdef", [&](rows& r) {
    auto app = r.value<application>(1);
    if (app.id != r.number(0))
      throw damage(fmt::format("`definition` has the id {}, expected the row's", app.id));
    app.sha256 = r.text(2);
    applications.emplace(app.id, std::move(app));
  });
  return applications;
}

void link_applications(connection& db, farm& f, std::map<std::uint64_t, application> applications) {
  each_row(db, "lnk_app_grp",
           "SELECT id, group_version_id, app_id FROM lnk_app_grp "
           "ORDER BY group_version_id, position",
           [&](rows& r) {
             auto& version = named(f.versions, r.number(1), "group_version_id");
             auto& app = named(applications, r.number(2), "app_id");
             f.last_application = std::max(f.last_application, app.id);
             version.applications.push_back(std::move(app));
           });
}

void check_groups(connection& db, const farm& f) {
  each_row(db, "appgroup", "SELECT id, deployedversion, pendingversion FROM appgroup",
           [&](rows& r) {
             check_version(f, r.number(1), "deployedversion");
             check_version(f, r.number(2), "pendingversion");
           });
}

void read_instances(connection& db, farm& f) {
  each_row(db, "instance",
           "SELECT id, version_id, application, machine, goal, revision, seen FROM instance",
           [&](rows& r) {
             messages::instance i;
             i.id = r.text(0);
             i.version_id = r.number(1);
             i.application = r.text(2);
             i.machine = r.text(3);
             i.goal = r.name_of<messages::instance_goal>(4);
             i.revision = r.number(5);
             i.seen = r.value<messages::observation>(6);
             const auto& v = named(f.versions, i.version_id, "version_id");
             auto app = std::find_if(v.applications.begin(), v.applications.end(),
                                     [&](const auto& each) { return each.name == i.application; });
             if (app == v.applications.end())
               throw damage(fmt::format("`application` is \"{:.60}\", expected one of version {}",
                                        i.application, i.version_id));
             i.group_id = v.group_id;
             i.memory_mb = app->limits.max_memory_mb;
             f.instances.put(std::move(i));
           });
}

void read_machines(connection& db, farm& f) {
  each_row(db, "machine",
           "SELECT name, identity, machine_groups, memory_mb, agent_version, last_seen, "
           "generation, ports, troubles, lost, draining FROM machine",
           [&](rows& r) {
             messages::machine m{r.text(0),
                                 r.text(1),
                                 r.value<std::vector<std::string>>(2),
                                 r.number(3),
                                 r.text(4),
                                 r.time(5),
                                 r.number(6),
                                 r.value<messages::public_ports>(7),
                                 r.value<std::vector<messages::machine_trouble>>(8),
                                 r.number(9) != 0,
                                 r.number(10) != 0};
             f.machines.emplace(m.name, std::move(m));
           });
}

void read_rollouts(connection& db, farm& f) {
  each_row(db, "rollout",
           "SELECT group_id, number, from_version, to_version, phase, started, coming, leaving, "
           "each_alone, purpose, failure, order_id, canary, paused, aborted FROM rollout",
           [&](rows& r) {
             using ids = std::vector<std::string>;
             messages::rollout found{r.number(0),
                                     r.number(1),
                                     r.number(2),
                                     r.number(3),
                                     r.name_of<messages::rollout_phase>(4),
                                     r.time(5),
                                     r.value<ids>(6),
                                     r.value<ids>(7),
                                     r.number(8) != 0,
                                     r.text(9),
                                     r.text(10),
                                     r.text(11),
                                     r.name_of<messages::canary_state>(12),
                                     r.number(13) != 0,
                                     r.number(14) != 0};
             named(f.groups, found.group_id, "group_id");
             check_version(f, found.from, "from_version");
             check_version(f, found.to, "to_version");
             f.rollouts.emplace(found.group_id, std::move(found));
           });
}

void read_receipts(connection& db, farm& f) {
  each_row(db, "client_order",
           "SELECT id, created, versions, seq, digest, who, what, ends FROM client_order",
           [&](rows& r) {
             messages::receipt found{r.text(0),
                                     r.number(4),
                                     r.text(5),
                                     r.time(1),
                                     r.value<std::vector<messages::group_version>>(2),
                                     r.number(3),
                                     r.text(6),
                                     r.value<std::vector<messages::order_end>>(7)};
             f.receipts.emplace(found.id, std::move(found));
           });
}

} // namespace

std::map<std::uint64_t, messages::access_key> read_keys(connection& db) {
  std::map<std::uint64_t, messages::access_key> keys;
  using names = std::vector<std::string>;
  each_row(db, "access_key",
           "SELECT id, name, role, public_key, namespaces, machine_groups, created, created_by, "
           "revoked FROM access_key",
           [&](rows& r) {
             messages::access_key found{r.number(0),
                                        {r.text(1), r.name_of<messages::key_role>(2), r.text(3),
                                         r.value<names>(4), r.value<names>(5)},
                                        r.time(6),
                                        r.text(7),
                                        r.time(8)};
             keys.emplace(found.id, std::move(found));
           });
  return keys;
}

farm read_farm(connection& db) {
  farm f;
  read_groups(db, f);
  read_versions(db, f);
  link_applications(db, f, read_applications(db));
  check_groups(db, f);
  read_instances(db, f);
  read_machines(db, f);
  read_rollouts(db, f);
  read_receipts(db, f);
  f.keys = read_keys(db);
  return f;
}

std::vector<messages::event> read_events(connection& db, std::uint64_t seq, std::size_t limit) {
  // The databases count with a sign.
  constexpr std::uint64_t highest = std::numeric_limits<std::int64_t>::max();
  std::vector<messages::event> events;
  each_row(
    db, "event", "SELECT seq, content FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
    [&](rows& r) {
      events.push_back(r.value<messages::event>(1));
      events.back().seq = r.number(0);
    },
    std::min(seq, highest), std::min<std::uint64_t>(limit, highest));
  return events;
}

} // namespace deployminator::store
