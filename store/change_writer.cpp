#include "store/change_writer.hpp"

namespace deployminator::store {

namespace {

using messages::access_key;
using messages::application;
using messages::group;
using messages::instance;
using messages::machine;
using messages::receipt;
using messages::rollout;
using messages::version;

bool is_there(connection& db, std::string_view select, std::uint64_t id) {
  return rows{db, select, id}.next();
}

void write(connection& db, const group& g) {
  constexpr std::string_view select = "SELECT id FROM appgroup WHERE id = ?";
  constexpr std::string_view update
    = "UPDATE appgroup SET namespace = ?, groupname = ?, deployedversion = ?, pendingversion = ?, "
      "stopped = ? WHERE id = ?";
  constexpr std::string_view insert
    = "INSERT INTO appgroup (namespace, groupname, deployedversion, pendingversion, stopped, id) "
      "VALUES (?, ?, ?, ?, ?, ?)";
  run(db, is_there(db, select, g.id) ? update : insert, g.namespace_, g.name, g.deployed_version,
      g.pending_version, to_document(g.stopped), g.id);
}

/// The definition never changes; what is pinned later has a column of its own.
void write(connection& db, const application& app, const version& of, std::size_t position) {
  auto definition = app;
  definition.sha256.clear();
  run(db,
      "INSERT INTO appdef (id, name, repository, artifact_id, sha256, definition) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      app.id, app.name, app.repository, app.artifact_id, app.sha256, to_document(definition));
  run(db, "INSERT INTO lnk_app_grp (id, group_version_id, app_id, position) VALUES (?, ?, ?, ?)",
      app.id, of.id, app.id, position);
}

void insert(connection& db, const version& v) {
  run(db,
      "INSERT INTO group_version (id, group_id, created, build, repository, artifact_id, branch, "
      "commit_id, created_by, state, last_deployed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      v.id, v.group_id, v.created_at, v.build, v.repository, v.artifact_id, v.branch, v.commit,
      v.created_by, v.state, v.last_deployed);
  for (std::size_t i = 0; i < v.applications.size(); ++i)
    write(db, v.applications[i], v, i);
}

void write(connection& db, const version& v) {
  if (!is_there(db, "SELECT id FROM group_version WHERE id = ?", v.id))
    return insert(db, v);
  run(db, "UPDATE group_version SET state = ?, last_deployed = ? WHERE id = ?", v.state,
      v.last_deployed, v.id);
  for (const auto& app : v.applications)
    run(db, "UPDATE appdef SET sha256 = ? WHERE id = ?", app.sha256, app.id);
}

// No row refers to one of the following tables, so a row may be replaced by deleting it first,
// which is what REPLACE does in SQLite and in MySQL.

void erase_instance(connection& db, const std::string& id) {
  run(db, "DELETE FROM instance WHERE id = ?", id);
}

void write(connection& db, const instance& i) {
  run(db,
      "REPLACE INTO instance (id, version_id, application, machine, goal, revision, seen) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      i.id, i.version_id, i.application, i.machine, i.goal, i.revision, to_document(i.seen));
}

void write(connection& db, const machine& m) {
  run(db,
      "REPLACE INTO machine (name, identity, machine_groups, memory_mb, agent_version, last_seen, "
      "generation, ports, troubles, lost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      m.name, m.identity, to_document(m.groups), m.memory_mb, m.agent_version, m.last_seen,
      m.generation, to_document(m.ports), to_document(m.troubles), m.lost);
}

void erase_rollout(connection& db, std::uint64_t group_id) {
  run(db, "DELETE FROM rollout WHERE group_id = ?", group_id);
}

void write(connection& db, const rollout& r) {
  run(
    db,
    "REPLACE INTO rollout (group_id, number, from_version, to_version, phase, started, coming, "
    "leaving, each_alone, purpose, failure, order_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    r.group_id, r.id, r.from, r.to, r.phase, r.started_at, to_document(r.coming),
    to_document(r.leaving), r.each_alone, r.purpose, r.failure, r.order_id);
}

void write(connection& db, const receipt& r) {
  run(db,
      "REPLACE INTO client_order (id, created, versions, seq, digest, who, what, ends) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      r.id, r.time, to_document(r.versions), r.seq, r.digest, r.who, r.what, to_document(r.ends));
}

void write(connection& db, const access_key& k) {
  run(db,
      "REPLACE INTO access_key (id, name, role, public_key, namespaces, machine_groups, created, "
      "created_by, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      k.id, k.grant.name, k.grant.role, k.grant.public_key, to_document(k.grant.namespaces),
      to_document(k.grant.groups), k.created_at, k.created_by, k.revoked_at);
}

} // namespace

void write_rows(connection& db, const messages::change& c) {
  for (const auto& each : c.groups)
    write(db, each);
  for (const auto& each : c.versions)
    write(db, each);
  for (const auto& each : c.instances)
    write(db, each);
  for (const auto& each : c.gone_instances)
    erase_instance(db, each.id);
  for (const auto& each : c.machines)
    write(db, each);
  for (const auto& each : c.rollouts)
    write(db, each);
  for (const auto& each : c.finished_rollouts)
    erase_rollout(db, each.group_id);
  for (const auto& each : c.receipts)
    write(db, each);
  for (const auto& each : c.keys)
    write(db, each);
}

void write_events(connection& db, const std::vector<messages::event>& events, std::uint64_t first) {
  for (auto numbered : events) {
    numbered.seq = first++;
    run(db, "INSERT INTO event (seq, time, type, content) VALUES (?, ?, ?, ?)", numbered.seq,
        numbered.time, std::string{type_of(numbered)}, to_document(numbered));
  }
}

} // namespace deployminator::store
