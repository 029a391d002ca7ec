#pragma once

#include "agent/linux/record_log.hpp"
#include "agent/outside.hpp"

#include <string>

namespace deployminator::agent {

/// The journal as msgpack files: DIR/agent, which is replaced as a whole, and DIR/records of the
/// instances. Only `save_agent` waits for the disk: what is known of instances matters to a
/// restarted agent, while a crash of the machine ends the instances themselves.
class journal_directory : public journal_files {
public:
  explicit journal_directory(std::string directory);

  messages::result<agent_record> load_agent() override;
  messages::result<std::vector<instance_record>> load_instances() override;
  messages::result<void> save_agent(const agent_record& record) override;
  messages::result<void> save_instance(const instance_record& record) override;
  messages::result<void> remove_instance(const std::string& id) override;

private:
  std::string agent_path_;
  record_log records_;
};

} // namespace deployminator::agent
