#include "agent/linux/starter_search.hpp"

#include "agent/linux/files.hpp"
#include "agent/linux/starter_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::agent {

namespace {

namespace fs = std::filesystem;

using starters = std::map<std::string, living_starter>;

/// Of a starter's command line (agent/starter/main.cpp): its DIR, UID and PORTS.
constexpr std::size_t directory_argument = 1;
constexpr std::size_t uid_argument = 4;
constexpr std::size_t ports_argument = 9;

/// From the spawn of a starter to its first instruction takes milliseconds, where nothing holds the
/// machine up.
constexpr std::chrono::seconds spawn_timeout{20};

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number out{};
  auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? std::optional{out}
                                                                         : std::nullopt;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto end = std::min(text.find(separator), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it{directory, error}, end; !error && it != end; it.increment(error))
    out.push_back(it->path().filename().string());
  return out;
}

/// The arguments of a starter; none where the process is none of this user's starters, who alone
/// can be told from somebody that only looks like one.
std::vector<std::string> arguments_of(pid_t pid) {
  auto process = fmt::format("/proc/{}", pid);
  struct stat info {};
  if (stat(process.c_str(), &info) || info.st_uid != geteuid())
    return {};
  auto text = read_file(process + "/cmdline");
  auto out = text ? split(*text, '\0') : std::vector<std::string>{};
  bool is_starter
    = out.size() > ports_argument && fs::path{out.front()}.filename() == "autodeployer-starter";
  return is_starter ? out : std::vector<std::string>{};
}

living_starter described(child_process process, const std::vector<std::string>& args) {
  living_starter out{std::move(process), -1, {}};
  if (args.empty())
    return out;
  out.uid = number_in<std::int64_t>(args[uid_argument]).value_or(-1);
  for (const auto& each : split(args[ports_argument], ','))
    if (auto port = number_in<std::uint16_t>(each))
      out.ports.push_back(*port);
  return out;
}

/// Adds those that show themselves by their locks; true: there is a lock that somebody else holds.
bool add_holders(const std::string& instances, starters& out) {
  bool somebody_else = false;
  for (const auto& id : names_in(instances)) {
    auto directory = fmt::format("{}/{}", instances, id);
    if (out.contains(id) || !is_locked(directory))
      continue;
    child_process holder;
    holder.pid = lock_holder(directory);
    holder.handle = process_handle(holder.pid);
    // Still its holder after the handle was made: so the handle is that process's.
    bool is_certain = holder.pid && holder.handle && lock_holder(directory) == holder.pid;
    somebody_else = somebody_else || !is_certain;
    if (is_certain) {
      auto args = arguments_of(holder.pid);
      out.emplace(id, described(std::move(holder), args));
    }
  }
  return somebody_else;
}

/// Adds those that have no lock to be found by, or have not shown themselves yet.
void add_processes(const std::string& instances, starters& out) {
  for (const auto& name : names_in("/proc")) {
    auto pid = number_in<pid_t>(name).value_or(0);
    auto args = pid ? arguments_of(pid) : std::vector<std::string>{};
    if (args.empty())
      continue;
    auto directory = fs::path{args[directory_argument]};
    std::error_code error;
    if (out.contains(directory.filename().string())
        || !fs::equivalent(directory.parent_path(), instances, error))
      continue;
    child_process process{pid, process_handle(pid)};
    // Still the same after the handle was made.
    if (process.handle && arguments_of(pid) == args)
      out.emplace(directory.filename().string(), described(std::move(process), args));
  }
}

} // namespace

starters find_starters(const std::string& instances) {
  auto deadline = std::chrono::steady_clock::now() + spawn_timeout;
  starters out;
  for (;;) {
    add_holders(instances, out);
    add_processes(instances, out);
    if (!add_holders(instances, out) || std::chrono::steady_clock::now() > deadline)
      return out;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

} // namespace deployminator::agent
