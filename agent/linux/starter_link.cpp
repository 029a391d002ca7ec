#include "agent/linux/starter_link.hpp"

#include "agent/linux/data_directory.hpp"
#include "agent/linux/files.hpp"
#include "agent/linux/starter_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <map>
#include <pwd.h>
#include <thread>

#include <sys/stat.h>
#include <sys/uio.h>

namespace deployminator::agent {

using messages::result;

namespace {

template <class Numbers>
std::string comma_separated(const Numbers& numbers) {
  return fmt::format("{}", fmt::join(numbers, ","));
}

/// Who the program runs as; by its number where the user database does not know it, as it does none
/// of those that instances get.
std::string user_name(std::int64_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  auto number = uid < 0 ? geteuid() : static_cast<uid_t>(uid);
  getpwuid_r(number, &entry, buffer, sizeof buffer, &found);
  return found ? found->pw_name : fmt::format("deploy-{}", number);
}

/// What the application asks for, and beside that what programs expect to find.
std::map<std::string, std::string> environment_of(const starter_setup& setup,
                                                  const launch_order& order) {
  auto out = order.env;
  auto user = user_name(setup.uid);
  out["HOME"] = setup.home;
  out.emplace("USER", user);
  out.emplace("LOGNAME", user);
  out.emplace("SHELL", "/bin/sh");
  // A user of its own has a /tmp of its own, too (agent/starter/own_view.hpp).
  auto own = setup.directory + "/tmp";
  if (setup.uid < 0)
    mkdir(own.c_str(), 0700);
  out.emplace("TMPDIR", setup.uid < 0 ? own : "/tmp");
  return out;
}

/// A limit as the starter's command line has it.
long long starter_limit(const std::optional<std::uint64_t>& most, std::uint64_t unit = 1) {
  constexpr long long usual = -1, none = -2;
  if (!most)
    return usual;
  return *most == messages::unlimited ? none : static_cast<long long>(*most * unit);
}

/// More than that the kernel gives nobody; it refuses who wants more.
std::optional<std::uint64_t> open_files_of(const messages::resource_limits& limits) {
  if (!limits.open_files)
    return std::nullopt;
  auto text = read_file("/proc/sys/fs/nr_open");
  auto most = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
  return most > 0 ? std::min<std::uint64_t>(*limits.open_files, most) : *limits.open_files;
}

std::string limits_text(const starter_setup& setup, const messages::resource_limits& limits) {
  constexpr std::uint64_t mib = 1024 * 1024;
  std::optional<std::uint64_t> space, processes;
  if (limits.bounds_address_space)
    space = limits.max_memory_mb;
  // Of a user that others share more than the instance would be counted.
  if (setup.uid >= 0 && (setup.bounds_processes || limits.processes == messages::unlimited))
    processes = limits.processes;
  return fmt::format("{},{},{},{}", starter_limit(space, mib), starter_limit(open_files_of(limits)),
                     starter_limit(processes), starter_limit(limits.core_size_mb, mib));
}

/// What the program told in this run; nothing where its starter does not listen.
std::optional<notice> notice_of(const starter::told& said, std::uint32_t run) {
  if (said.listens == 0)
    return std::nullopt;
  notice out;
  if (said.run != run)
    return out;
  out.ready = said.is_ready != 0;
  out.stopping = said.is_stopping != 0;
  out.sign_at.microseconds = said.sign_at;
  out.status.assign(said.status, said.status_size);
  return out;
}

} // namespace

result<child_process> spawn_starter(const starter_setup& setup, const std::string& program,
                                    const launch_order& order,
                                    const std::vector<std::uint16_t>& ports) {
  auto lock = take_lock(setup.directory);
  if (!lock)
    return lock.error();
  auto reservations = setup.reservations;
  std::sort(reservations.begin(), reservations.end());
  spawn_order out;
  out.program = setup.program;
  out.args = {setup.directory,
              setup.home,
              setup.log.empty() ? "" : fmt::format("{}:{}", setup.most_output, setup.log),
              std::to_string(setup.uid),
              limits_text(setup, order.limits),
              std::to_string(order.limits.priority),
              std::to_string(lock->get()),
              comma_separated(reservations),
              comma_separated(ports),
              fmt::format("{}", fmt::join(setup.groups, ":")),
              program};
  out.args.insert(out.args.end(), order.args.begin(), order.args.end());
  for (const auto& [key, value] : environment_of(setup, order))
    out.env.push_back(fmt::format("{}={}", key, value));
  if (!setup.data.empty() && setup.uid >= 0)
    out.env.push_back(fmt::format("{}={}:{}", starter::data_variable, data_owner, setup.data));
  if (order.notifies)
    out.env.push_back(fmt::format("{}={}", starter::notify_variable,
                                  std::chrono::microseconds{order.watchdog}.count()));
  out.inherited = reservations;
  out.inherited.push_back(lock->get());
  out.signals_blocked = true;
  return spawn(out);
}

std::string state_path(const std::string& directory) {
  return fmt::format("{}/{}", directory, starter::state_name);
}

std::optional<starter::state> read_state(const std::string& directory,
                                         std::optional<notice>* told) {
  owned_fd fd{open(state_path(directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  starter::state out;
  starter::state expected;
  starter::told said;
  iovec parts[] = {{&out, sizeof out}, {&said, sizeof said}};
  auto size = fd ? readv(fd.get(), parts, 2) : -1;
  // A starter that is older tells nothing of its program.
  bool tells = size == sizeof out + sizeof said;
  if (size < static_cast<ssize_t>(starter::least_state)
      || std::memcmp(out.magic, expected.magic, sizeof out.magic) != 0
      || out.checksum != checksum_of(out) || out.port_count > starter::most_ports)
    return std::nullopt;
  if (tells && (said.checksum != checksum_of(said) || said.status_size > sizeof said.status))
    return std::nullopt;
  if (told)
    *told = tells ? notice_of(said, out.run) : std::nullopt;
  return out;
}

std::optional<starter::state> state_of(const child_process& starter, const std::string& directory,
                                       std::chrono::milliseconds timeout,
                                       std::optional<notice>* told) {
  auto state = read_state(directory, told);
  if (state)
    return state;
  ask_to_restore(starter, directory);
  auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!state && std::chrono::steady_clock::now() < deadline && !has_ended(starter.handle)) {
    std::this_thread::sleep_for(std::chrono::microseconds{200});
    state = read_state(directory, told);
  }
  return state;
}

void ask_to_restore(const child_process& starter, const std::string& directory) {
  mkdir(directory.c_str(), 0711);
  send_signal(starter.handle, starter::restore_order);
}

void order_stop(const child_process& starter, const starter::state& state,
                const messages::stop_rules& rules) {
  auto value = starter::signal_value(state.run, rules.signal);
  if (state.knows < starter::stop_all_order) {
    send_signal(starter.handle, starter::signal_order, value);
    return;
  }
  auto within = std::min<std::int64_t>(rules.timeout.count(), std::numeric_limits<int>::max());
  send_signal(starter.handle, starter::within_order, static_cast<int>(within));
  bool all = rules.to == messages::stop_target::all;
  send_signal(starter.handle, all ? starter::stop_all_order : starter::stop_order, value);
}

result<child_process> spawn_sweep(const std::string& program, std::int64_t uid,
                                  const std::string& home) {
  spawn_order out;
  out.program = program;
  out.args = {"--sweep", std::to_string(uid), home};
  return spawn(out);
}

result<child_process> spawn_check(const starter_setup& setup, const std::string& program,
                                  const launch_order& order, std::int64_t beside,
                                  std::chrono::milliseconds timeout, int result) {
  spawn_order out;
  out.program = setup.program;
  out.args = {"--check",
              std::to_string(result),
              std::to_string(timeout.count()),
              setup.home,
              std::to_string(setup.uid),
              limits_text(setup, order.limits),
              std::to_string(order.limits.priority),
              fmt::format("{}", fmt::join(setup.groups, ":")),
              std::to_string(beside),
              program};
  out.args.insert(out.args.end(), order.args.begin(), order.args.end());
  for (const auto& [key, value] : environment_of(setup, order))
    out.env.push_back(fmt::format("{}={}", key, value));
  out.inherited = {result};
  out.signals_blocked = true;
  return spawn(out);
}

std::string problem_text(const starter::state& state, const starter_setup& setup,
                         const std::string& path) {
  auto why = std::strerror(state.error);
  switch (state.failed) {
    case starter::problem::output:
      return fmt::format("cannot write its output to {}: {}", setup.log, why);
    case starter::problem::limits:
      return fmt::format("cannot set the limits for {}: {}", path, why);
    case starter::problem::user:
      return fmt::format("cannot become user {} to run {}: {}", setup.uid, path, why);
    case starter::problem::home:
      if (state.error == ENOENT)
        return fmt::format("cannot run {}: its directory {} is not there; unpack it first", path,
                           setup.home);
      return fmt::format("cannot enter the directory {}: {}", setup.home, why);
    case starter::problem::data:
      return fmt::format("cannot show user {} its data {}: {}; that takes an agent that may mount, "
                         "Linux 5.12 and a file system with idmapped mounts, such as ext4, xfs or "
                         "btrfs",
                         setup.uid, setup.data, why);
    case starter::problem::view:
      return fmt::format(
        "cannot give user {} a /tmp, /var/tmp and /dev/shm of its own below {}: {}", setup.uid,
        setup.directory, why);
    case starter::problem::notify:
      return fmt::format("cannot listen for what {} tells of itself: {}", path, why);
    case starter::problem::exec:
      break;
    default:
      return fmt::format("cannot create a process for {}: {}", path, why);
  }
  switch (state.error) {
    case ENOENT:
      if (access(path.c_str(), F_OK) == 0)
        return fmt::format("cannot run {}: the interpreter or loader that it names is not on this "
                           "machine",
                           path);
      return fmt::format("cannot run {}: there is no such file", path);
    case EACCES:
      return fmt::format("cannot run {}: it is not executable for the user it runs as", path);
    case ENOEXEC:
      return fmt::format(
        "cannot run {}: it is neither a program for this machine nor a script that "
        "begins with #!",
        path);
    default:
      return fmt::format("cannot run {}: {}", path, why);
  }
}

} // namespace deployminator::agent
