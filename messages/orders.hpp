#pragma once

#include "messages/access_key.hpp"
#include "messages/packing.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The orders of clients, answered by `accepted` or `refusal`.
namespace deployminator::messages {

/// Deploy a build: the one call of a build repository.
struct submit_build {
  static constexpr std::string_view type = "submit_build";
  /// Chosen by the client; the same order sent again gets the same answer and does nothing more.
  std::string order_id;
  /// The deploy.yaml: its name for error messages, and its text.
  std::string file_name;
  std::string file;
  std::uint64_t build = 0;
  std::string repository;
  std::string artifact_id;
  std::string branch;
  std::string commit;
  /// Hex digest for applications that give none.
  std::string sha256;
  /// Also where this build was deployed with other artifacts before.
  bool force = false;
  /// Of a `build_plan`: carried out only where that is still what would happen; empty: whatever
  /// happens.
  std::string plan_digest;

  MSGPACK_DEFINE_MAP(order_id, file_name, file, build, repository, artifact_id, branch, commit,
                     sha256, force, plan_digest)
};

/// Roll a kept version of a group out; version 0: the one before the deployed one.
struct roll_to_version {
  static constexpr std::string_view type = "roll_to_version";
  std::string order_id;
  std::string namespace_;
  std::string group;
  std::uint64_t version = 0;

  MSGPACK_DEFINE_MAP(order_id, MSGPACK_NVP("namespace", namespace_), group, version)
};

/// Stop and remove every instance of a group.
struct undeploy {
  static constexpr std::string_view type = "undeploy";
  std::string order_id;
  std::string namespace_;
  std::string group;

  MSGPACK_DEFINE_MAP(order_id, MSGPACK_NVP("namespace", namespace_), group)
};

/// What is to be stopped, started or restarted.
struct part_of_group {
  std::string order_id;
  std::string namespace_;
  std::string group;
  /// By name; empty: all applications.
  std::string application;

  MSGPACK_DEFINE_MAP(order_id, MSGPACK_NVP("namespace", namespace_), group, application)
};

/// Stop the instances, and keep them stopped, whatever is built, until they are started again.
struct stop_group : part_of_group {
  static constexpr std::string_view type = "stop_group";
};

/// Start what was stopped on purpose.
struct start_group : part_of_group {
  static constexpr std::string_view type = "start_group";
};

/// Bring new instances of the deployed version on the same machines, and stop the old ones when all
/// of those are ready.
struct restart_group : part_of_group {
  static constexpr std::string_view type = "restart_group";
};

/// What a person says to the rollout that a group is in.
struct about_rollout {
  std::string order_id;
  std::string namespace_;
  std::string group;

  MSGPACK_DEFINE_MAP(order_id, MSGPACK_NVP("namespace", namespace_), group)
};

/// The canaries are good: the rest may come.
struct promote_rollout : about_rollout {
  static constexpr std::string_view type = "promote_rollout";
};

/// Give it up: what came goes, the old stays. Where none is under way, what a failed one left for
/// looking at goes.
struct abort_rollout : about_rollout {
  static constexpr std::string_view type = "abort_rollout";
};

/// Start nothing new, and stop nothing of the old, until `resume_rollout`.
struct pause_rollout : about_rollout {
  static constexpr std::string_view type = "pause_rollout";
};

/// Go on with what was paused.
struct resume_rollout : about_rollout {
  static constexpr std::string_view type = "resume_rollout";
};

/// Let the holder of a key in. The secret of it stays where it was made.
struct add_key {
  static constexpr std::string_view type = "add_key";
  std::string order_id;
  key_grant grant;

  MSGPACK_DEFINE_MAP(order_id, grant)
};

/// Let the holder of a key in no more, and cut off who is connected with it.
struct revoke_key {
  static constexpr std::string_view type = "revoke_key";
  std::string order_id;
  /// Of the key.
  std::string name;

  MSGPACK_DEFINE_MAP(order_id, name)
};

/// What is to become of a machine.
struct about_machine {
  std::string order_id;
  /// By name.
  std::string machine;

  MSGPACK_DEFINE_MAP(order_id, machine)
};

/// Empty it: what is on it comes elsewhere first, and then stops. It takes nothing new.
struct drain_machine : about_machine {
  static constexpr std::string_view type = "drain_machine";
};

/// It takes instances again.
struct undrain_machine : about_machine {
  static constexpr std::string_view type = "undrain_machine";
};

/// It is out of reach and gone for good, and so is what was on it.
struct forget_machine : about_machine {
  static constexpr std::string_view type = "forget_machine";
};

/// Even the farm out: instances move to where fewer are, new first.
struct redistribute_farm {
  static constexpr std::string_view type = "redistribute_farm";
  std::string order_id;

  MSGPACK_DEFINE_MAP(order_id)
};

} // namespace deployminator::messages
