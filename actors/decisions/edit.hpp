#pragma once

#include "actors/decisions/moment.hpp"
#include "messages/caller.hpp"
#include "messages/change.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace deployminator::actors {

/// A change in the making: rows to edit and what there is to tell. The farm it begins from and the
/// moment must outlive it and stay as they are.
class edit {
public:
  edit(const messages::farm& before, const moment& m);
  edit(const messages::farm& before, moment&& m) = delete;

  /// Whose order it is; nobody's where it is not said.
  void on_behalf_of(const messages::caller& who) {
    who_ = who;
  }
  [[nodiscard]] const messages::caller& who() const {
    return who_;
  }

  /// The farm without the change.
  [[nodiscard]] const messages::farm& before() const {
    return before_;
  }

  /// A row to edit, as the change leaves it so far; it must exist.
  messages::group& group(std::uint64_t id);
  messages::version& version(std::uint64_t id);
  messages::instance& instance(const std::string& id);
  messages::machine& machine(const std::string& name);
  messages::rollout& rollout(std::uint64_t group_id);

  /// Renews the entry of an instance in its machine's assignment, though it says the same: one that
  /// was given up is tried again.
  void renew(const std::string& instance_id);

  /// Puts a row, new or in the place of the one with its key, and returns it.
  messages::group& put(messages::group row);
  messages::version& put(messages::version row);
  messages::instance& put(messages::instance row);
  messages::machine& put(messages::machine row);
  messages::rollout& put(messages::rollout row);
  void put(messages::receipt row);
  void put(messages::access_key row);

  /// What the order asks for is done with the change itself: the rollout it is about goes on.
  void note_done(const messages::rollout& r, std::string what);
  [[nodiscard]] const std::vector<messages::order_end>& done_at_once() const {
    return done_at_once_;
  }

  /// A version that nothing refers to.
  void forget(messages::gone_version gone);
  void erase_instance(const std::string& id);
  /// A machine that is gone for good, with nothing on it.
  void forget(const messages::machine& gone);
  /// Ends a rollout and tells so, with how many instances are `left` on machines out of reach. What
  /// is put for the group afterwards takes its place.
  void end_rollout(const messages::rollout& r, messages::rollout_outcome outcome,
                   std::string reason, std::uint64_t left = 0);

  /// Tells of something about a group; `version` 0: of the group as such.
  void tell(const messages::group& about, std::uint64_t version, messages::event::content what);

  /// Tells of something about no group.
  void tell(messages::event::content what);

  /// An id for a new row of the table.
  [[nodiscard]] std::uint64_t new_group_id() const;
  [[nodiscard]] std::uint64_t new_version_id() const;
  std::uint64_t new_application_id();
  [[nodiscard]] std::uint64_t new_key_id() const;
  /// A readable id that nothing else ever has: the application's name and 40 random bits.
  [[nodiscard]] std::string new_instance_id(const std::string& application) const;

  [[nodiscard]] const moment& at() const {
    return at_;
  }

  /// The change. The generation of each machine whose assignment it changes is raised, and noted as
  /// the revision of the instances that changed it.
  messages::change done() &&;

private:
  template <class Key, class Row>
  using rows = std::map<Key, std::optional<Row>>;

  [[nodiscard]] bool changes_assignment(const messages::instance& row) const;
  void note_revision(messages::instance& row, std::map<std::string, std::uint64_t>& raised);
  void note_pinned(const messages::version& after);
  void note_drained();
  void note_end(const messages::rollout& r, messages::rollout_outcome outcome,
                const std::string& reason);

  const messages::farm& before_;
  const moment& at_;
  messages::caller who_;
  std::uint64_t last_application_ = 0;
  /// The rows as they shall be, nothing for those that go.
  rows<std::uint64_t, messages::group> groups_;
  rows<std::uint64_t, messages::version> versions_;
  rows<std::string, messages::instance> instances_;
  rows<std::string, messages::machine> machines_;
  rows<std::uint64_t, messages::rollout> rollouts_;
  /// Instances whose entries are renewed.
  std::set<std::string> renewed_;
  /// Of orders whose rollouts end.
  std::map<std::string, messages::receipt> receipts_;
  /// For the receipt of the order itself.
  std::vector<messages::order_end> done_at_once_;
  messages::change rest_;
};

/// The application of a version, or null.
const messages::application* application_of(const messages::version& v, const std::string& name);

} // namespace deployminator::actors
