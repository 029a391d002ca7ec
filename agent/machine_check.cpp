#include "agent/machine_check.hpp"

#include "agent/linux/control_groups.hpp"
#include "agent/linux/data_directory.hpp"
#include "agent/linux/nft_packet_filter.hpp"
#include "agent/linux/reservations.hpp"
#include "messages/bus/io_thread.hpp"
#include "messages/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <future>
#include <pwd.h>
#include <string_view>
#include <unistd.h>

namespace deployminator::agent {

namespace {

using kind = finding::kind;

constexpr auto server_timeout = std::chrono::seconds{5};
constexpr std::uintmax_t little_disk = std::uintmax_t{1} << 30;
/// Times in events and logs are compared by people.
constexpr double large_clock_difference = 2;

/// What came of a heartbeat that was sent to a server.
struct contact {
  std::optional<bus::handshake_failure> failed;
  /// The server's answer; unset: none came.
  std::optional<messages::message> answer;
  messages::timestamp at;
};

contact call(const configs::agent_settings& settings, const std::string& server) {
  std::promise<contact> found;
  auto coming = found.get_future();
  bool is_over = false;
  bus::io_thread sockets{configs::keys_of(settings.key)};
  sockets.deliver_to([&](const bus::inbound& in) {
    auto decoded = messages::decode(in.bytes);
    if (is_over || (!in.failed && !decoded))
      return;
    is_over = true;
    contact out{in.failed, {}, messages::system_utc_now()};
    if (!in.failed)
      out.answer = std::move(decoded->body);
    found.set_value(std::move(out));
  });
  auto socket = sockets.open(bus::socket_kind::orders_client, server);
  auto until = std::chrono::steady_clock::now() + server_timeout;
  // What is sent before the connection stands is dropped.
  while (socket && std::chrono::steady_clock::now() < until) {
    sockets.send(*socket, {}, messages::encode({1, 0, messages::heartbeat{}}));
    if (coming.wait_for(std::chrono::milliseconds{100}) == std::future_status::ready)
      return coming.get();
  }
  return {};
}

void check_server(const configs::agent_settings& settings, const std::string& server,
                  std::vector<finding>& to) {
  auto about = "server " + server;
  auto found = call(settings, server);
  if (found.failed) {
    auto why = bus::failure_of(*found.failed, server, settings.key ? settings.key->name : "");
    return to.push_back({kind::bad, about, why.message, why.hint});
  }
  if (!found.answer)
    return to.push_back({kind::bad, about,
                         fmt::format("no answer within {} s", server_timeout.count()),
                         "see that deployminator runs there, and that no firewall is between"});
  to.push_back(
    {kind::good, about,
     settings.key ? fmt::format("answers, and knows the key {}", settings.key->name) : "answers",
     ""});
  const auto* stranger = std::get_if<messages::unknown_peer>(&*found.answer);
  if (!stranger || !stranger->time)
    return;
  auto difference
    = std::abs(static_cast<double>(found.at.microseconds - stranger->time->microseconds)) / 1e6;
  bool is_large = difference > large_clock_difference;
  to.push_back({is_large ? kind::lacking : kind::good, "clock",
                fmt::format("{:.1f} s from the server's", difference),
                is_large ? "times in logs and events will not fit together: run an NTP client on "
                           "both"
                         : ""});
}

finding check_root() {
  if (geteuid() == 0)
    return {kind::good, "root",
            fmt::format("each instance gets a user of its own, {} to {}", reservations::first_uid,
                        reservations::last_uid),
            ""};
  return {kind::lacking, "root", fmt::format("not root: all instances run as user {}", geteuid()),
          "run the agent as root, so that each instance has a user of its own"};
}

/// Somebody else's user among ours would share files and processes with an instance.
finding check_users() {
  std::string others;
  setpwent();
  while (const auto* each = getpwent())
    if (each->pw_uid >= data_owner && each->pw_uid <= reservations::last_uid)
      others += fmt::format(" {} ({})", each->pw_name, each->pw_uid);
  endpwent();
  if (others.empty())
    return {kind::good, "users",
            fmt::format("{} to {} are free", data_owner, reservations::last_uid), ""};
  return {kind::bad, "users", "these are among those that instances, or their data, get:" + others,
          "give them other ids"};
}

finding check_packet_filter() {
  auto works = nft_packet_filter{}.probe();
  if (works)
    return {kind::good, "packet filter", "public ports can be led to instances", ""};
  return {kind::lacking, "packet filter", works.error().message,
          "without it public ports lead nowhere; all else works"};
}

finding check_cgroups() {
  if (geteuid() != 0)
    return {kind::lacking, "cgroups", "not root: what instances use in all is not bounded",
            "run the agent as root, so that limits.maxkillmemory, cpu and processes are kept"};
  auto offered = find_hierarchies();
  std::vector<std::string_view> there;
  std::vector<std::string_view> missing;
  for (auto each : all_controllers)
    (offered.of(each).empty() ? missing : there).push_back(name_of(each));
  auto version = offered.unified ? "version 2" : "version 1";
  if (missing.empty())
    return {kind::good, "cgroups", fmt::format("{}, with {}", version, fmt::join(there, ", ")), ""};
  auto sentence = there.empty() ? std::string{"none that can be used"}
                                : fmt::format("{}, with {}, without {}", version,
                                              fmt::join(there, ", "), fmt::join(missing, ", "));
  std::string advice;
  for (auto each : missing)
    advice += fmt::format("{}{}", advice.empty() ? "" : "; ",
                          each == "memory" ? "limits.maxkillmemory and maxswapmemory are not kept, "
                                             "maxmemory (address space) is"
                          : each == "pids" ? "limits.processes bounds what the instance's user has"
                                           : "limits.cpu is not kept");
  return {kind::lacking, "cgroups", sentence, advice};
}

/// The first directory above that exists: the agent makes the rest.
std::filesystem::path existing(std::filesystem::path path) {
  std::error_code cannot_tell;
  while (path.has_relative_path() && !std::filesystem::exists(path, cannot_tell))
    path = path.parent_path();
  return path;
}

finding check_disk(const std::string& directory) {
  auto place = existing(directory);
  if (access(place.c_str(), W_OK) != 0)
    return {kind::bad, "disk", fmt::format("{} cannot be written", place.string()),
            "run the agent as root, or give it other directories: --root DIR"};
  std::error_code error;
  auto space = std::filesystem::space(place, error);
  bool is_little = error || space.available < little_disk;
  return {is_little ? kind::lacking : kind::good, "disk",
          fmt::format("{:.1f} GiB free below {}",
                      error ? 0.0 : static_cast<double>(space.available) / (1 << 30), directory),
          is_little ? "artifacts and instances need room: make some" : ""};
}

finding check_helpers() {
  auto found = find_helper_programs();
  if (found)
    return {kind::good, "programs", fmt::format("{} and {}", found->starter, found->unpack), ""};
  return {kind::bad, "programs", found.error().message, found.error().hint};
}

std::string_view word_for(kind what) {
  return what == kind::good ? "ok" : what == kind::lacking ? "note" : "BAD";
}

} // namespace

std::vector<finding> check_machine(const configs::agent_settings& settings,
                                   const directories& where) {
  std::vector<finding> out;
  for (const auto& server : settings.servers)
    check_server(settings, server, out);
  out.push_back(check_root());
  if (geteuid() == 0)
    out.push_back(check_users());
  out.push_back(check_helpers());
  out.push_back(check_disk(where.lib));
  if (existing(where.cache) != existing(where.lib))
    out.push_back(check_disk(where.cache));
  out.push_back(check_cgroups());
  out.push_back(check_packet_filter());
  return out;
}

std::string to_text(const std::vector<finding>& all) {
  std::string out;
  for (const auto& each : all) {
    out += fmt::format("{:<5} {}: {}\n", word_for(each.what), each.about, each.sentence);
    if (!each.advice.empty())
      out += fmt::format("      {}\n", each.advice);
  }
  return out;
}

bool can_work(const std::vector<finding>& all) {
  return std::ranges::none_of(all, [](const finding& each) { return each.what == kind::bad; });
}

} // namespace deployminator::agent
