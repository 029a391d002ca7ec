#include "store/change_writer.hpp"

#include "store/batch.hpp"

#include <fmt/format.h>

#include <map>

namespace deployminator::store {

namespace {

using messages::access_key;
using messages::application;
using messages::change;
using messages::gone_version;
using messages::group;
using messages::instance;
using messages::machine;
using messages::receipt;
using messages::rollout;
using messages::version;

/// Runs `words` about what `row` makes of each.
template <class All, class Row>
void run_for_each(connection& db, const batch_words& words, const All& all, Row row) {
  std::vector<parameters> rows;
  rows.reserve(all.size());
  for (const auto& each : all)
    rows.push_back(row(each));
  run_batch(db, words, rows);
}

void write(connection& db, const group& g) {
  auto write_as = [&](std::string_view sql) {
    return run(db, sql, g.namespace_, g.name, g.deployed_version, g.pending_version,
               to_document(g.stopped), g.id);
  };
  auto found = write_as("UPDATE appgroup SET namespace = ?, groupname = ?, deployedversion = ?, "
                        "pendingversion = ?, stopped = ? WHERE id = ?");
  if (found == 0)
    write_as("INSERT INTO appgroup (namespace, groupname, deployedversion, pendingversion, "
             "stopped, id) VALUES (?, ?, ?, ?, ?, ?)");
}

/// The definition never changes; what is pinned later has a column of its own.
document definition_of(application app) {
  app.sha256.clear();
  return to_document(app);
}

void insert(connection& db, const std::map<std::uint64_t, version>& versions) {
  run_for_each(db,
               {"INSERT INTO group_version (id, group_id, created, build, repository, artifact_id, "
                "branch, commit_id, created_by, state, last_deployed) VALUES ",
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ""},
               versions, [](const auto& numbered) {
                 const version& v = numbered.second;
                 return row_of(v.id, v.group_id, v.created_at, v.build, v.repository, v.artifact_id,
                               v.branch, v.commit, v.created_by, v.state, v.last_deployed);
               });
  std::vector<parameters> applications, links;
  for (const auto& [id, v] : versions)
    for (std::size_t i = 0; i < v.applications.size(); ++i) {
      const auto& app = v.applications[i];
      applications.push_back(
        row_of(app.id, app.name, app.repository, app.artifact_id, app.sha256, definition_of(app)));
      links.push_back(row_of(app.id, v.id, app.id, i));
    }
  run_batch(db,
            {"INSERT INTO appdef (id, name, repository, artifact_id, sha256, definition) VALUES ",
             "(?, ?, ?, ?, ?, ?)", ""},
            applications);
  run_batch(db,
            {"INSERT INTO lnk_app_grp (id, group_version_id, app_id, position) VALUES ",
             "(?, ?, ?, ?)", ""},
            links);
}

/// Writes the digests that are known, several with one statement.
void pin(connection& db, const std::vector<application>& applications) {
  std::vector<parameters> pinned;
  for (const auto& app : applications)
    if (!app.sha256.empty())
      pinned.push_back(row_of(app.id, app.sha256));
  for (std::size_t first = 0; first < pinned.size();) {
    auto count = batch_size(pinned, first);
    std::string cases, ids;
    for (std::size_t i = 0; i < count; ++i) {
      cases += " WHEN ? THEN ?";
      ids += i == 0 ? "?" : ", ?";
    }
    auto& prepared = db.prepare(
      fmt::format("UPDATE appdef SET sha256 = CASE id{} END WHERE id IN ({})", cases, ids));
    int pair = 0, id = static_cast<int>(2 * count);
    for (std::size_t i = first; i < first + count; ++i) {
      bind(prepared, ++pair, pinned[i][0]);
      bind(prepared, ++pair, pinned[i][1]);
      bind(prepared, ++id, pinned[i][0]);
    }
    prepared.execute();
    first += count;
  }
}

/// A version that is in the change twice is added as the last says.
void write(connection& db, const std::vector<version>& versions) {
  std::map<std::uint64_t, version> added;
  for (const auto& v : versions) {
    if (!added.contains(v.id)
        && run(db, "UPDATE group_version SET state = ?, last_deployed = ? WHERE id = ?", v.state,
               v.last_deployed, v.id)
             > 0)
      pin(db, v.applications);
    else
      added[v.id] = v;
  }
  insert(db, added);
}

// No row refers to one of the following tables, so a row may be replaced by deleting it first,
// which is what REPLACE does in SQLite and in MySQL.

void write(connection& db, const std::vector<instance>& instances) {
  run_for_each(db,
               {"REPLACE INTO instance (id, version_id, application, machine, goal, revision, "
                "seen) VALUES ",
                "(?, ?, ?, ?, ?, ?, ?)", ""},
               instances, [](const instance& i) {
                 return row_of(i.id, i.version_id, i.application, i.machine, i.goal, i.revision,
                               to_document(i.seen));
               });
}

void write(connection& db, const std::vector<machine>& machines) {
  run_for_each(db,
               {"REPLACE INTO machine (name, identity, machine_groups, memory_mb, agent_version, "
                "last_seen, generation, ports, troubles, lost, draining) VALUES ",
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ""},
               machines, [](const machine& m) {
                 return row_of(m.name, m.identity, to_document(m.groups), m.memory_mb,
                               m.agent_version, m.last_seen, m.generation, to_document(m.ports),
                               to_document(m.troubles), m.lost, m.draining);
               });
}

void write(connection& db, const std::vector<rollout>& rollouts) {
  run_for_each(db,
               {"REPLACE INTO rollout (group_id, number, from_version, to_version, phase, started, "
                "coming, leaving, each_alone, purpose, failure, order_id, canary, paused, "
                "aborted) VALUES ",
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ""},
               rollouts, [](const rollout& r) {
                 return row_of(r.group_id, r.id, r.from, r.to, r.phase, r.started_at,
                               to_document(r.coming), to_document(r.leaving), r.each_alone,
                               r.purpose, r.failure, r.order_id, r.canary, r.paused, r.aborted);
               });
}

void write(connection& db, const std::vector<receipt>& receipts) {
  run_for_each(db,
               {"REPLACE INTO client_order (id, created, versions, seq, digest, who, what, ends) "
                "VALUES ",
                "(?, ?, ?, ?, ?, ?, ?, ?)", ""},
               receipts, [](const receipt& r) {
                 return row_of(r.id, r.time, to_document(r.versions), r.seq, r.digest, r.who,
                               r.what, to_document(r.ends));
               });
}

void write(connection& db, const std::vector<access_key>& keys) {
  run_for_each(db,
               {"REPLACE INTO access_key (id, name, role, public_key, namespaces, machine_groups, "
                "created, created_by, revoked) VALUES ",
                "(?, ?, ?, ?, ?, ?, ?, ?, ?)", ""},
               keys, [](const access_key& k) {
                 return row_of(k.id, k.grant.name, k.grant.role, k.grant.public_key,
                               to_document(k.grant.namespaces), to_document(k.grant.groups),
                               k.created_at, k.created_by, k.revoked_at);
               });
}

/// Nothing refers to them any more.
void remove(connection& db, const std::vector<gone_version>& versions) {
  std::vector<parameters> ids, applications;
  for (const auto& each : versions) {
    ids.push_back(row_of(each.id));
    for (auto app : each.applications)
      applications.push_back(row_of(app));
  }
  run_batch(db, {"DELETE FROM lnk_app_grp WHERE group_version_id IN (", "?", ")"}, ids);
  run_batch(db, {"DELETE FROM appdef WHERE id IN (", "?", ")"}, applications);
  run_batch(db, {"DELETE FROM group_version WHERE id IN (", "?", ")"}, ids);
}

} // namespace

void write_rows(connection& db, const change& c) {
  for (const auto& each : c.groups)
    write(db, each);
  write(db, c.versions);
  write(db, c.instances);
  run_for_each(db, {"DELETE FROM instance WHERE id IN (", "?", ")"}, c.gone_instances,
               [](const auto& gone) { return row_of(gone.id); });
  write(db, c.machines);
  run_for_each(db, {"DELETE FROM machine WHERE name IN (", "?", ")"}, c.gone_machines,
               [](const auto& name) { return row_of(name); });
  write(db, c.rollouts);
  run_for_each(db, {"DELETE FROM rollout WHERE group_id IN (", "?", ")"}, c.finished_rollouts,
               [](const auto& gone) { return row_of(gone.group_id); });
  remove(db, c.gone_versions);
  write(db, c.receipts);
  write(db, c.keys);
}

void write_events(connection& db, const std::vector<messages::event>& events, std::uint64_t first) {
  run_for_each(db, {"INSERT INTO event (seq, time, type, content) VALUES ", "(?, ?, ?, ?)", ""},
               events, [&](messages::event numbered) {
                 numbered.seq = first++;
                 return row_of(numbered.seq, numbered.time, std::string{type_of(numbered)},
                               to_document(numbered));
               });
}

} // namespace deployminator::store
