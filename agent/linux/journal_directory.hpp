#pragma once

#include "agent/linux/record_log.hpp"
#include "agent/outside.hpp"

#include <functional>
#include <optional>
#include <string>

namespace deployminator::agent {

/// Who an agent is and whom it obeys: the part of its record that nobody could tell it again.
struct agent_identity {
  std::string identity;
  std::uint64_t epoch = 0;
  std::string store;

  bool operator==(const agent_identity&) const = default;
  MSGPACK_DEFINE_MAP(identity, epoch, store)
};

/// The journal as sealed msgpack: DIR/agent and DIR/identity, a second copy of a part of it, which
/// are replaced as a whole, and DIR/records of the instances. Only `save_agent` waits for the disk:
/// what is known of instances matters to a restarted agent, while a crash of the machine ends the
/// instances themselves.
///
/// An agent whose DIR/agent is damaged or gone is the same that it was and obeys the same store,
/// but holds no assignment until a server has sent it. Only one that has lost both is a new one.
class journal_directory : public journal_files {
public:
  /// `warn` is told what is damaged or gone, in a sentence.
  explicit journal_directory(std::string directory,
                             std::function<void(const std::string&)> warn = {});

  messages::result<agent_record> load_agent() override;
  messages::result<std::vector<instance_record>> load_instances() override;
  messages::result<void> save_agent(const agent_record& record) override;
  messages::result<void> save_instance(const instance_record& record) override;
  messages::result<void> remove_instance(const std::string& id) override;

private:
  messages::result<void> save_identity(const agent_identity& wanted);
  void make_directory() const;
  void warn(const std::string& sentence) const;

  std::string directory_;
  std::function<void(const std::string&)> warn_;
  record_log records_;
  /// What DIR/identity says; none where it is not known.
  std::optional<agent_identity> identity_;
};

} // namespace deployminator::agent
