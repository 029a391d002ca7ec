#pragma once

#include "actors/decisions/farm_undo.hpp"
#include "messages/change.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace deployminator::actors {

/// One thing to be decided and committed.
struct work {
  /// What changes in the farm as it is when the work's turn comes; may be nothing.
  std::function<messages::change(const messages::farm&)> decide;
  /// What it decided, and all before it, is committed: the number of the event before its batch. Or
  /// it is not, and why.
  std::function<void(const messages::result<std::uint64_t>& seq)> finished;
};

/// The changes of the farm, one after the other. Works are decided in the order they came, each on
/// the farm as those before it leave it; those that wait while a commit is under way are committed
/// together. So the farm that decisions see may be ahead of what is stored, by the one commit that
/// is under way. While the store is away nothing is decided, and what was stored last can be read.
class change_queue {
public:
  explicit change_queue(messages::farm stored);

  /// As the decisions so far leave it, committed or not.
  [[nodiscard]] const messages::farm& farm() const {
    return farm_;
  }

  /// By group: counts the changes of what it should be. What is seen of its instances does not
  /// count.
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& revisions() const {
    return revisions_;
  }

  void push(work w);

  /// Calls `f` with the farm as it is stored: at once, or when the commit that is under way is
  /// made, or the farm is loaded, or cannot be. It does not wait for what waits to be decided.
  void read(std::function<void(const messages::farm&)> f);

  /// Decides what is waiting. The change to be committed; null where nothing changes (the works are
  /// finished then), or a commit is under way, or the farm has to be loaded first (the works are
  /// finished with the failure, once that failed), or works are just being finished: call it again
  /// after that.
  std::shared_ptr<const messages::change> next();

  /// The commit is made, `last` is the number of its last event. `tell` is called before the works
  /// are finished: so nobody is answered before everybody else is told.
  void committed(std::uint64_t last, const std::function<void(const messages::change&)>& tell);

  /// The commit failed, and what is stored now is known to the store alone. The works of the commit
  /// are finished with the failure; the others wait for `loaded`.
  void failed(const messages::failure& why);

  /// The farm could not be loaded: until it is, works are finished with the failure, and who reads
  /// sees the farm as it was before the commit that failed.
  void load_failed(const messages::failure& why);

  /// Whether nothing is being committed or loaded.
  bool is_idle() const;

  /// Goes on from what is stored.
  void loaded(messages::farm stored);

private:
  enum class state { idle, committing, lost, away };

  void note_revisions(const messages::change& c);
  void let_read();
  void refuse_waiting();
  void finish(std::vector<work> works, const messages::result<std::uint64_t>& outcome);

  messages::farm farm_;
  /// What `farm_` has beyond what is stored.
  farm_undo undo_;
  /// Why the store is away.
  messages::failure absence_;
  std::map<std::uint64_t, std::uint64_t> revisions_;
  std::deque<work> waiting_;
  std::vector<work> committing_;
  std::vector<std::function<void(const messages::farm&)>> readers_;
  std::shared_ptr<const messages::change> change_;
  state state_ = state::idle;
  bool finishing_ = false;
};

} // namespace deployminator::actors
