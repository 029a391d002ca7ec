#include "agent/linux/control_groups.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/owned_fd.hpp"
#include "messages/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::agent {

namespace {

/// The kernel takes such a text in one piece or not at all.
bool tell_kernel(const std::string& path, std::string_view text) {
  owned_fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_directory(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

std::string text_in(const std::string& path) {
  auto text = read_file(path);
  return text ? *text : std::string{};
}

} // namespace

group_hierarchies find_hierarchies() {
  if (geteuid() != 0)
    return {};
  auto mounts = text_in("/proc/self/mountinfo");
  auto unified = unified_mount_in(mounts);
  auto out
    = hierarchies_in(mounts, unified.empty() ? "" : text_in(unified + "/cgroup.controllers"));
  // In a container they may be there to be read only.
  for (auto* each : {&out.memory, &out.pids, &out.cpu})
    if (access(each->c_str(), W_OK) != 0)
      each->clear();
  return out;
}

control_groups::control_groups(group_hierarchies where, const directories& of)
  : where_(std::move(where)),
    name_(fmt::format("autodeployer-{:016x}", messages::text_digest{}.add(of.lib).value())) {}

std::string control_groups::parent(controller in) const {
  return where_.of(in) + "/" + name_;
}

std::string control_groups::directory(controller in, const std::string& id) const {
  return parent(in) + "/" + id;
}

bool control_groups::make(controller in, const std::string& id) {
  if (where_.of(in).empty() || !make_directory(parent(in)))
    return false;
  if (where_.unified) {
    auto wanted = fmt::format("+{}", name_of(in));
    for (const auto& above : {where_.of(in), parent(in)})
      if (!tell_kernel(above + "/cgroup.subtree_control", wanted))
        return false;
  }
  return make_directory(directory(in, id));
}

prepared_group control_groups::prepare(const std::string& id,
                                       const messages::resource_limits& limits) {
  prepared_group out;
  leaving_.erase(id);
  auto lacks
    = [&](controller each) { return std::ranges::find(out.lacking, each) != out.lacking.end(); };
  for (const auto& file : group_files(limits, where_.unified)) {
    if (lacks(file.in))
      continue;
    auto place = directory(file.in, id);
    bool is_said = make(file.in, id)
                   && (tell_kernel(place + "/" + file.name, file.text)
                       || (file.may_lack && access((place + "/" + file.name).c_str(), F_OK) != 0));
    if (!is_said)
      out.lacking.push_back(file.in);
    else if (std::ranges::find(out.directories, place) == out.directories.end())
      out.directories.push_back(place);
  }
  return out;
}

group_counts control_groups::counts(const std::string& id) const {
  group_counts out;
  if (!where_.memory.empty())
    out.memory_kills
      = count_in(text_in(directory(controller::memory, id)
                         + (where_.unified ? "/memory.events" : "/memory.oom_control")),
                 "oom_kill");
  if (!where_.pids.empty())
    out.refused_forks = count_in(text_in(directory(controller::pids, id) + "/pids.events"), "max");
  return out;
}

std::optional<std::uint64_t> control_groups::memory_bytes(const std::string& id) const {
  if (where_.memory.empty())
    return std::nullopt;
  auto place = directory(controller::memory, id);
  auto used = text_in(place + (where_.unified ? "/memory.current" : "/memory.usage_in_bytes"));
  if (used.empty())
    return std::nullopt;
  auto bytes = count_in("used " + used, "used");
  auto droppable = count_in(text_in(place + "/memory.stat"),
                            where_.unified ? "inactive_file" : "total_inactive_file");
  return bytes - std::min(bytes, droppable);
}

std::set<std::string> control_groups::list() const {
  std::set<std::string> out;
  for (auto each : all_controllers) {
    if (where_.of(each).empty())
      continue;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator{parent(each), none})
      if (entry.is_directory(none))
        out.insert(entry.path().filename().string());
  }
  return out;
}

bool control_groups::try_to_remove(const std::string& id) const {
  bool gone = true;
  for (auto each : all_controllers) {
    if (where_.of(each).empty())
      continue;
    if (rmdir(directory(each, id).c_str()) != 0 && errno != ENOENT)
      gone = false;
    // Only the last one takes it along.
    rmdir(parent(each).c_str());
  }
  return gone;
}

void control_groups::remove(const std::string& id) {
  if (!try_to_remove(id))
    leaving_.insert(id);
}

void control_groups::tidy() {
  std::erase_if(leaving_, [this](const std::string& id) { return try_to_remove(id); });
}

} // namespace deployminator::agent
