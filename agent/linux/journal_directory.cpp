#include "agent/linux/journal_directory.hpp"

#include "agent/linux/files.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

journal_directory::journal_directory(std::string directory)
  : agent_path_(directory + "/agent"), records_(directory + "/records") {}

result<agent_record> journal_directory::load_agent() {
  auto bytes = read_file(agent_path_);
  if (!bytes && bytes.error().code == failure_code::not_found)
    return agent_record{};
  if (!bytes)
    return bytes.error();
  if (auto record = messages::try_from_bytes<agent_record>(*bytes))
    return std::move(*record);
  return failure{failure_code::internal,
                 fmt::format("{} is damaged ({} bytes that are not a record of this agent)",
                             agent_path_, bytes->size()),
                 "remove it and start the agent again; the server then sends the assignment anew, "
                 "and the machine gets a new identity"};
}

result<std::vector<instance_record>> journal_directory::load_instances() {
  auto all = records_.read();
  if (!all)
    return all.error();
  std::vector<instance_record> out;
  for (auto& [id, record] : *all)
    out.push_back(std::move(record));
  return out;
}

result<void> journal_directory::save_agent(const agent_record& record) {
  return replace_file(agent_path_, messages::to_bytes(record), true);
}

result<void> journal_directory::save_instance(const instance_record& record) {
  return records_.save(record);
}

result<void> journal_directory::remove_instance(const std::string& id) {
  return records_.remove(id);
}

} // namespace deployminator::agent
