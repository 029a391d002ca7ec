#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The one algorithm behind every placement: how many instances of which application run on which
/// machine, and why anything changes.
///
/// A function of its question alone, whatever the order in which that is written. It works on
/// counts for each application and machine, for instances of one application are alike.
namespace deployminator::actors {

/// An application that is to be placed.
struct wanted_application {
  /// `namespace/group/application`; no two have the same.
  std::string name;
  /// Instances wanted: all together, or on each machine.
  std::uint64_t count = 1;
  bool per_machine = false;
  /// At most so many on one machine; 0: any number.
  std::uint64_t at_most = 0;
  /// The machine groups whose machines may have it.
  std::vector<std::string> machine_groups;
  /// Where it is not empty: these machines alone, whatever their groups.
  std::vector<std::string> machine_names;
  /// What one instance is promised.
  std::uint64_t memory_mb = 0;
  /// Fills few machines instead of spreading over all.
  bool packs = false;
};

/// What a machine is good for.
enum class machine_use {
  /// Takes instances.
  open,
  /// Takes none; those on it count and stay: it is out of reach for now.
  closed,
  /// Those on it are to be elsewhere: it drains, or is lost.
  leaving,
};

/// A machine that instances can be placed on.
struct placing_machine {
  std::string name;
  std::vector<std::string> groups;
  machine_use use = machine_use::open;
  std::uint64_t memory_mb = 0;
  /// What is on it of applications that are not asked about: instances, and their memory.
  std::uint64_t other_instances = 0;
  std::uint64_t other_memory_mb = 0;
};

/// So many instances of an application on a machine.
struct standing_count {
  std::string application;
  std::string machine;
  std::uint64_t count = 0;

  auto operator<=>(const standing_count&) const = default;
};

/// What the operator and the occasion ask for.
struct placement_rules {
  /// Evens the farm out: what runs legally may move for a better balance. Else it stays.
  bool even_out = false;
  /// A machine takes so many percent of its memory; 0: memory is not counted.
  std::uint64_t overcommit_percent = 0;
};

/// Why a step is made.
enum class placement_cause {
  /// Fewer are there than are wanted.
  missing,
  /// More are there than are wanted.
  surplus,
  /// Nobody wants the application any more.
  unwanted,
  /// The machine is in none of the application's machine groups, or is none that it names.
  left_group,
  /// The machine drains or is lost.
  machine_leaves,
  /// More on one machine than may be.
  too_many_there,
  /// It makes room for another application, which has nowhere else to go.
  makes_room,
  /// The application's own instances are spread more evenly.
  evens_application,
  /// The machines have more even numbers of instances.
  evens_machines,
};

/// Instances that start (no `from`), stop (no `to`) or move.
struct placement_step {
  std::string from;
  std::string to;
  std::uint64_t count = 0;
  placement_cause cause = placement_cause::missing;
  /// The application's instances before: in all, on `from` and on `to`.
  std::uint64_t had = 0;
  std::uint64_t had_from = 0;
  std::uint64_t had_to = 0;

  bool operator==(const placement_step&) const = default;
};

/// What becomes of one application.
struct application_placement {
  std::string name;
  /// Wanted in all: for `per_machine` on all open machines.
  std::uint64_t wanted = 0;
  /// Of these, legally placed after the steps.
  std::uint64_t placed = 0;
  std::vector<placement_step> steps;
  /// Where fewer are placed than wanted: `3 of 5 placed: machine group db has 2 machines …`.
  std::string shortfall;

  bool operator==(const application_placement&) const = default;
};

/// Decides what starts, stops and moves; an application of `current` or `pending` that is not
/// wanted stops.
///
/// - Legal: machine groups, the machines' use, `at_most`, and memory where it is counted.
/// - Complete: places all that can be, by augmenting paths, where memory is not counted or all
///   applications are promised the same. Else as much as such paths find: which instances of
///   different sizes fit together is too hard a question to answer at once.
/// - Stable: legal instances stay, unless that makes room or `even_out` is asked for. On a farm of
///   up to `exact_cells` applications times machines no other placement as good moves fewer.
/// - Balanced: each application first, then the machines' numbers of instances.
///
/// `pending`: counts of instances that are on their way already. They count as there, and go first.
/// The answer is ordered by application; those with nothing to say are in it too.
std::vector<application_placement> redistribute(const std::vector<wanted_application>& wanted,
                                                const std::vector<placing_machine>& machines,
                                                const std::vector<standing_count>& current,
                                                const std::vector<standing_count>& pending,
                                                const placement_rules& rules = {});

/// What the instances on a machine with so much memory may be promised together: the rule of every
/// placement. `overcommit_percent` as in `placement_rules`.
std::uint64_t most_promised_mb(std::uint64_t memory_mb, std::uint64_t overcommit_percent);

/// Applications times machines up to which the best balance is found. On larger farms it is one
/// that no single move makes better.
constexpr std::size_t exact_cells = 2'000;

/// Why the step is made: a sentence for people.
std::string reason_of(const wanted_application& app, const placement_step& step);

/// The counts after the steps, ordered; instances that stay where they may not be are among them.
std::vector<standing_count> after_steps(const std::vector<standing_count>& current,
                                        const std::vector<application_placement>& placements);

} // namespace deployminator::actors
