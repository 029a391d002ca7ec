#pragma once

#include "agent/decisions/reconcile.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// An instance that gets an INSTANCE actor.
struct newcomer {
  spec_ptr spec;
  /// What an earlier agent left of it.
  std::optional<found_instance> found;
  std::optional<instance_record> record;
};

/// What an earlier agent left of its instances, until an INSTANCE takes each over. An agent that
/// never had an assignment, or has lost it, leaves it alone until the first.
class inheritance {
public:
  inheritance() = default;

  /// `leaving`: how the instances are to be stopped that the earlier agent had begun to stop.
  inheritance(std::vector<found_instance> found, std::vector<instance_record> records,
              const std::vector<messages::instance_spec>& leaving);

  /// How many instances on the machine nobody took over yet.
  [[nodiscard]] std::size_t size() const {
    return found_.size();
  }

  /// News of the processes of one that nobody took over yet; of any other nothing is noted.
  void note(const process_event& event);

  /// The instance of this order, with what there is of it.
  newcomer claim(const spec_ptr& spec);

  /// The ids of which there is a record and nothing else. Forgets all records.
  std::vector<std::string> take_lost();

  /// Everything that nobody claimed, to be gone.
  std::vector<newcomer> take_unwanted();

private:
  std::map<std::string, found_instance> found_;
  std::map<std::string, instance_record> records_;
  spec_map leaving_;
};

/// The order to be gone, in place of the last one.
spec_ptr to_be_gone(const messages::instance_spec& last);

/// The order to run, in place of the last one.
spec_ptr to_go_on(const messages::instance_spec& last);

/// Whether it is to stop and runs, so that a public port may lead to it: the earlier agent ended
/// before it had led that elsewhere.
bool may_serve_yet(const newcomer& who);

} // namespace deployminator::agent
