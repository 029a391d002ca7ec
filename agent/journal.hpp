#pragma once

#include "agent/interfaces.hpp"

#include <map>
#include <optional>
#include <string>

namespace deployminator::agent {

/// What the JOURNAL remembers.
struct journal_state {
  static inline constexpr const char* name = "journal";
  journal_files* files = nullptr;
  key_keeper* key = nullptr;
  storage_check* storage = nullptr;
  /// What is to be written, newest only; nothing: what is to be removed.
  std::map<std::string, std::optional<instance_record>> unwritten;
  bool flush_is_due = false;
  /// Why the last write of it failed, as the log says; empty: it did not.
  std::string failing;
};

/// `world` must outlive the actor.
journal_actor::behavior_type journal(journal_actor::stateful_pointer<journal_state> self,
                                     outside* world);

} // namespace deployminator::agent
