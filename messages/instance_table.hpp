#pragma once

#include "messages/instance.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace deployminator::messages {

/// One copy of an application on one machine: what is wanted and what was last seen of it.
struct instance {
  /// Also `seen.id`.
  std::string id;
  std::uint64_t version_id = 0;
  /// The version's group.
  std::uint64_t group_id = 0;
  /// `program::name` within the version.
  std::string application;
  std::string machine;
  /// What its limits promise it.
  std::uint64_t memory_mb = 0;
  instance_goal goal = instance_goal::fetch;
  /// The generation of its machine's assignment that last changed what the agent is told of it.
  std::uint64_t revision = 0;
  observation seen;

  bool operator==(const instance&) const = default;
};

/// Orders pointers to instances by the instances' ids.
struct by_id {
  bool operator()(const instance* a, const instance* b) const {
    return a->id < b->id;
  }
};

/// Some instances of a table, in the order of their ids.
using instance_set = std::set<const instance*, by_id>;

/// Orders pointers to instances by what last changed them; a number stands for the first of its
/// revision.
struct by_revision {
  using is_transparent = void;
  bool operator()(const instance* a, const instance* b) const {
    return a->revision != b->revision ? a->revision < b->revision : a->id < b->id;
  }
  bool operator()(const instance* a, std::uint64_t revision) const {
    return a->revision < revision;
  }
  bool operator()(std::uint64_t revision, const instance* b) const {
    return revision < b->revision;
  }
};

/// What the instances of a machine that are not to stop ask of it.
struct machine_load {
  std::uint64_t instances = 0;
  /// The sum of what they are promised.
  std::uint64_t memory_mb = 0;
  /// The digest of the machine's assignment: the sum of `digest_of_entry` of each.
  std::uint64_t digest = 0;
};

/// All instances by id, and of each machine and each group. Pointers to a row stay good until it is
/// erased.
class instance_table {
public:
  instance_table() = default;
  instance_table(const instance_table& other);
  instance_table(instance_table&& other) noexcept = default;
  instance_table& operator=(const instance_table& other);
  instance_table& operator=(instance_table&& other) noexcept = default;
  ~instance_table() = default;

  using const_iterator = std::map<std::string, instance>::const_iterator;

  [[nodiscard]] const_iterator begin() const {
    return rows_.begin();
  }
  [[nodiscard]] const_iterator end() const {
    return rows_.end();
  }
  [[nodiscard]] const_iterator find(const std::string& id) const {
    return rows_.find(id);
  }
  [[nodiscard]] const instance& at(const std::string& id) const {
    return rows_.at(id);
  }
  [[nodiscard]] bool contains(const std::string& id) const {
    return rows_.contains(id);
  }
  [[nodiscard]] std::size_t size() const {
    return rows_.size();
  }
  [[nodiscard]] bool empty() const {
    return rows_.empty();
  }

  /// The instances on a machine; empty where it has none.
  [[nodiscard]] const instance_set& on_machine(const std::string& machine) const;

  /// Those on a machine that are to stop.
  [[nodiscard]] const instance_set& stopping_on(const std::string& machine) const;

  /// Those on a machine that are not to stop and have a revision above this one, the oldest first.
  [[nodiscard]] std::vector<const instance*> changed_on(const std::string& machine,
                                                        std::uint64_t revision) const;

  [[nodiscard]] machine_load load_of(const std::string& machine) const;

  /// The instances of a group; empty where it has none.
  [[nodiscard]] const instance_set& of_group(std::uint64_t group_id) const;

  /// Those that are to run and have failed.
  [[nodiscard]] const instance_set& failed() const {
    return failed_;
  }

  /// Adds a row, or puts it in the place of the one with its id.
  void put(instance row);

  /// Does nothing where there is no such row.
  void erase(const std::string& id);

  bool operator==(const instance_table& other) const {
    return rows_ == other.rows_;
  }

private:
  struct machine_part {
    instance_set all;
    instance_set stopping;
    /// Those that are not to stop.
    std::set<const instance*, by_revision> wanted;
    machine_load load;
  };

  void enter(const instance& row);
  void leave(const instance& row);
  void count(const instance& row);
  void discount(const instance& row);

  std::map<std::string, instance> rows_;
  std::map<std::string, machine_part> on_machine_;
  std::map<std::uint64_t, instance_set> of_group_;
  instance_set failed_;
};

} // namespace deployminator::messages
