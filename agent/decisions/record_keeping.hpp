#pragma once

#include "agent/decisions/assignment.hpp"
#include "agent/outside.hpp"
#include "messages/wire.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What an agent is to hold next.
struct record_order {
  held_assignment held;
  /// The highest server epoch seen.
  std::uint64_t epoch = 0;
  /// The id of the store that is obeyed; empty: none yet.
  std::string store;
  /// The instances that are not wanted any more and not gone yet.
  std::vector<messages::instance_spec> leaving;
  /// With a new assignment: what the server wants to be told gone.
  std::vector<std::string> removed;
};

/// What is true when a record is on disk.
struct record_outcome {
  /// A new assignment is held.
  bool is_assignment = false;
  /// It is the first that this agent ever had.
  bool is_first = false;
  std::vector<std::string> removed;
  /// The last observations that were kept back until now.
  std::vector<messages::observation> gone;
};

/// What an agent holds, and the next record of it on its way to the disk. What is held is what is
/// on disk. A message that arrives while a record is written may depend on it, so it waits; but
/// while none can be written the session goes on, and a newer assignment takes the record's place:
/// it may be what frees the disk.
///
///                  ┌─────── begin (a newer assignment), take_retry ──────┐
///                  ▼                                                     │
///   settled ── begin ──► writing ── fail ──► unwritten (tried again) ────┘
///      ▲                    │
///      └────── finish ──────┘
class record_keeping {
public:
  record_keeping() = default;

  /// Begins with what an earlier agent wrote.
  explicit record_keeping(const agent_record& memory);

  /// The agent's own name, as it is on disk; empty: none is yet. Told before, it would be another
  /// one after a crash, and the server would take the agent for a stranger.
  [[nodiscard]] const std::string& identity() const {
    return identity_;
  }
  /// Names the agent, which the next record tells. Once, before that.
  void identify(std::string identity);

  /// The highest server epoch on disk.
  [[nodiscard]] std::uint64_t epoch() const {
    return epoch_;
  }
  /// The id of the store that is obeyed, as it is on disk.
  [[nodiscard]] const std::string& store() const {
    return store_;
  }
  /// The assignment on disk.
  [[nodiscard]] const held_assignment& held() const {
    return held_;
  }

  // -- the record ---------------------------------------------------------------------------------

  /// There is to be a record of this: from now on `content`, to be written at once. Only while none
  /// is being written.
  void begin(record_order next);

  /// What is to be written; null: nothing.
  [[nodiscard]] const agent_record_ptr& content() const {
    return content_;
  }
  /// The instances that it wants.
  [[nodiscard]] const spec_map& wanted() const {
    return next_.held.specs;
  }

  /// It could not be written. True: `take_retry` is to be called after a while.
  bool fail(std::string why);

  /// What others are to see, while no record can be written, of the instances that this holds up:
  /// those that should begin or start have failed, those that should be gone are stuck. `seen`:
  /// what was seen of an instance last, null for one that never began.
  [[nodiscard]] std::vector<messages::observation>
  held_up(const std::function<const messages::observation*(const std::string&)>& seen) const;

  /// The while is over. True: it is to be written again.
  bool take_retry();

  /// It is on disk, and so held.
  record_outcome finish();

  /// Whether the end of an instance must not be told before the record is on disk, for a crash
  /// would bring back what the server believes gone; `finish` tells it.
  bool keep_back(const messages::observation& last);

  // -- what waits for it --------------------------------------------------------------------------

  /// A message came. Where too many wait it is dropped, for the server repeats it.
  void wait(std::shared_ptr<const messages::envelope> message);

  /// The session is over: nobody waits for what waits.
  void drop_waiting();

  /// Whether there must be a record of these before the next message may be worked on.
  [[nodiscard]] bool must_note(std::uint64_t epoch, const std::string& store) const;

  /// The next message that may be worked on now, or null.
  std::shared_ptr<const messages::envelope> take_message();

private:
  enum class phase {
    /// Everything is on disk.
    settled,
    /// The JOURNAL was asked to write `content`, and has not answered.
    writing,
    /// It could not write it.
    unwritten,
  };

  std::string identity_;
  /// What `identity_` becomes with the next record.
  std::string next_identity_;
  std::uint64_t epoch_ = 0;
  std::string store_;
  held_assignment held_;

  phase phase_ = phase::settled;
  record_order next_;
  agent_record_ptr content_;
  /// `take_retry` will be called.
  bool retry_is_due_ = false;
  /// Why the last one could not be written; empty: it could.
  std::string problem_;
  std::vector<messages::observation> kept_back_;
  std::deque<std::shared_ptr<const messages::envelope>> waiting_;
};

} // namespace deployminator::agent
