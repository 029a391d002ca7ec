#include "agent/linux/journal_directory.hpp"

#include "agent/linux/files.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_ending = ".tmp";

/// Reads one record; `not_found` where there is no file.
template <class Record>
result<Record> load(const std::string& path, std::string_view what_is_lost) {
  auto bytes = read_file(path);
  if (!bytes)
    return bytes.error();
  try {
    return messages::from_bytes<Record>(*bytes);
  } catch (const msgpack::type_error&) {
  } catch (const msgpack::unpack_error&) {
  }
  return failure{failure_code::internal,
                 fmt::format("{} is damaged ({} bytes that are not a record of this agent)", path,
                             bytes->size()),
                 fmt::format("remove it and start the agent again; {}", what_is_lost)};
}

} // namespace

journal_directory::journal_directory(std::string directory) : directory_(std::move(directory)) {}

std::string journal_directory::agent_path() const {
  return directory_ + "/agent";
}

std::string journal_directory::instances_path() const {
  return directory_ + "/instances";
}

result<agent_record> journal_directory::load_agent() {
  auto record = load<agent_record>(
    agent_path(), "the server then sends the assignment anew, and the machine gets a new identity");
  if (!record && record.error().code == failure_code::not_found)
    return agent_record{};
  return record;
}

result<std::vector<instance_record>> journal_directory::load_instances() {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it{instances_path(), error}, end; !error && it != end;
       it.increment(error)) {
    if (!it->path().string().ends_with(temporary_ending))
      paths.push_back(it->path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    errno = error.value();
    return file_failure("list", instances_path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<instance_record> out;
  for (const auto& path : paths) {
    auto record = load<instance_record>(path, "the instance's count of restarts is lost with it");
    // A running agent may remove one while another program looks.
    if (!record && record.error().code == failure_code::not_found)
      continue;
    if (!record)
      return record.error();
    out.push_back(std::move(*record));
  }
  return out;
}

result<void> journal_directory::save_agent(const agent_record& record) {
  return replace_file(agent_path(), messages::to_bytes(record), true);
}

result<void> journal_directory::save_instance(const instance_record& record) {
  auto path = instances_path() + "/" + record.id;
  auto bytes = messages::to_bytes(record);
  auto done = replace_file(path, bytes, false);
  if (done || done.error().code != failure_code::not_found)
    return done;
  if (mkdir(instances_path().c_str(), 0700) && errno != EEXIST)
    return file_failure("create the directory", instances_path());
  return replace_file(path, bytes, false);
}

result<void> journal_directory::remove_instance(const std::string& id) {
  auto path = instances_path() + "/" + id;
  // An agent that died while it wrote left this.
  unlink((path + std::string{temporary_ending}).c_str());
  if (unlink(path.c_str()) && errno != ENOENT)
    return file_failure("remove", path);
  return {};
}

} // namespace deployminator::agent
