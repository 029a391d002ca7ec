#include "actors/common/daemon.hpp"
#include "actors/common/gateway.hpp"
#include "actors/common/logging.hpp"
#include "actors/common/terminator.hpp"
#include "agent/agent.hpp"
#include "agent/journal.hpp"
#include "agent/linux/ambience.hpp"
#include "agent/linux/curl_downloader.hpp"
#include "agent/linux/directories.hpp"
#include "agent/linux/health_probe.hpp"
#include "agent/linux/journal_directory.hpp"
#include "agent/linux/leave_farm.hpp"
#include "agent/linux/log_files.hpp"
#include "agent/linux/log_keeper.hpp"
#include "agent/linux/nft_packet_filter.hpp"
#include "agent/linux/port_settings_file.hpp"
#include "agent/linux/proc_usage_meter.hpp"
#include "agent/linux/process_launcher.hpp"
#include "agent/linux/publishing_launcher.hpp"
#include "agent/linux/rules_now.hpp"
#include "agent/linux/storage_watch.hpp"
#include "agent/machine_check.hpp"
#include "agent/machine_key.hpp"
#include "agent/weak_handle.hpp"
#include "deploy-configs/settings.hpp"
#include "messages/bus/io_thread.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <optional>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace deployminator;

constexpr char program[] = "autodeployer";

/// Each instance costs a descriptor, one that does not run yet one for each of its reservations;
/// so many more are the agent's own.
constexpr std::uint64_t files_for_itself = 100;
/// From here on nobody need think of it.
constexpr std::uint64_t many_files = 4'000;

void allow_many_instances() {
  auto limit = common::raise_open_files();
  if (limit >= many_files)
    return;
  auto instances = limit > files_for_itself ? limit - files_for_itself : 0;
  common::log::warning("autodeployer may open few files: raise its limit (LimitNOFILE=)",
                       {{"limit", limit}, {"enough_for_instances", instances}});
}

/// Where an agent finds users and passwords for downloads: beside its config file.
std::string netrc_beside(const std::string& config_file) {
  return std::filesystem::path{config_file}.replace_filename("netrc");
}

/// The real outside: this machine.
class this_machine {
public:
  this_machine(const agent::directories& where, agent::helper_programs programs,
               const std::string& config_file, const agent::log_limits& logs,
               const std::string& static_root)
    : storage_(where), ports_(config_file),
      downloads_({.cache = where.cache, .netrc = netrc_beside(config_file)}), logs_(where.log),
      keeper_(where, logs),
      journal_(where.journal(),
               [](const std::string& damage) {
                 common::log::error("journal has lost what the agent held: instances stay as they "
                                    "are until a server has sent it again",
                                    {{"reason", damage}});
               }),
      meter_(where), tell_([to = agent_.get_future().share()](const agent::process_event& event) {
        to.get().send(event);
      }),
      launcher_({.where = where, .programs = std::move(programs), .most_output = logs.of_one},
                tell_),
      publisher_(launcher_, where, static_root, tell_),
      health_([this](const agent::health_order& order, agent::health_checker::on_checked done) {
        launcher_.check(order, std::move(done));
      }) {}

  agent::outside world() {
    agent::outside out{&downloads_, &publisher_, &logs_,
                       &journal_,   &storage_,   &ports_,
                       &filter_,    &meter_,     agent::system_ambience()};
    out.health = &health_;
    return out;
  }

  /// Names who gets the launcher's events; the first of them waits for this.
  void attach(const agent::agent_actor& to) {
    agent_.set_value(agent::weak_handle{to});
  }

private:
  std::promise<agent::weak_handle<agent::agent_actor>> agent_;
  agent::storage_watch storage_;
  agent::port_settings_file ports_;
  agent::nft_packet_filter filter_;
  agent::curl_downloader downloads_;
  agent::log_files logs_;
  agent::log_keeper keeper_;
  agent::journal_directory journal_;
  agent::proc_usage_meter meter_;
  agent::launcher::on_event tell_;
  agent::process_launcher launcher_;
  agent::publishing_launcher publisher_;
  agent::health_probe health_;
};

agent::log_limits limits_in(const configs::agent_settings& settings) {
  constexpr std::uint64_t megabyte = std::uint64_t{1} << 20;
  return {settings.log_size_mb * megabyte, settings.log_total_mb * megabyte,
          std::chrono::hours{24 * settings.log_days}};
}

int leave_farm(const configs::agent_settings& settings) {
  auto done = agent::leave_farm(agent::directories_below(settings.root));
  if (!done)
    return common::fail(program, done.error());
  std::fputs(done->c_str(), stdout);
  return 0;
}

int check(const configs::agent_settings& settings) {
  auto found = agent::check_machine(settings, agent::directories_below(settings.root));
  std::fputs(agent::to_text(found).c_str(), stdout);
  return agent::can_work(found) ? 0 : common::could_not_go_on;
}

int print_rules(const configs::agent_settings& settings) {
  auto rules = agent::rules_now(agent::directories_below(settings.root), settings.public_ports);
  if (!rules)
    return common::fail(program, rules.error());
  std::fputs(rules->c_str(), stdout);
  return 0;
}

/// What of an instance's limits cannot be kept, and how they are kept then.
void remark_on_groups() {
  auto offered = agent::find_hierarchies();
  std::vector<std::string_view> lacking;
  for (auto each : agent::all_controllers)
    if (offered.of(each).empty())
      lacking.push_back(agent::name_of(each));
  if (geteuid() == 0 && !lacking.empty())
    common::log::warning("autodeployer cannot bound what instances use in all: `autodeployer "
                         "--check` says more",
                         {{"lacking", fmt::format("{}", fmt::join(lacking, ", "))}});
}

int serve(const configs::agent_settings& settings) {
  auto where = agent::directories_below(settings.root);
  auto lock = agent::take(where);
  if (!lock)
    return common::fail(program, lock.error());
  auto programs = agent::find_helper_programs();
  if (!programs)
    return common::fail(program, programs.error());
  this_machine machine{where, std::move(*programs), settings.config_file, limits_in(settings),
                       settings.static_root};
  auto world = machine.world();
  std::atomic<bool> failed = false;
  bus::io_thread sockets{configs::keys_of(settings.key)};
  std::optional<agent::machine_key> key;
  if (settings.key)
    world.key = &key.emplace(*settings.key, sockets);
  caf::actor_system_config caf_config;
  common::set_scheduler(caf_config);
  caf::actor_system system{caf_config};
  auto gateway = system.spawn(common::gateway, &sockets);
  auto journal = system.spawn<caf::detached>(agent::journal, &world);
  agent::agent_config config{settings.name, settings.groups, settings.memory_mb, settings.servers};
  auto agent = system.spawn(agent::agent, config, &world, gateway, journal);
  common::end_process_with(caf::actor_cast<caf::actor>(agent), failed);
  machine.attach(agent);
  sockets.deliver_to([gateway](bus::inbound in) { caf::anon_send(gateway, std::move(in)); });
  common::log::info(
    "autodeployer starts",
    {{"name", settings.name}, {"directory", where.lib}, {"version", DEPLOYMINATOR_VERSION}});
  common::notify_ready();
  common::wait_for_end();
  common::log::info("autodeployer ends; instances go on");
  sockets.stop();
  sockets.deliver_to({});
  common::end_actors(system,
                     {caf::actor_cast<caf::actor>(agent), caf::actor_cast<caf::actor>(journal),
                      caf::actor_cast<caf::actor>(gateway)});
  return failed ? common::could_not_go_on : 0;
}

int run(int argc, char** argv) {
  auto read = configs::read_agent_settings(argc, argv);
  if (const auto* done = std::get_if<configs::exit_now>(&read)) {
    std::fputs(done->text.c_str(), done->to_stdout ? stdout : stderr);
    return done->code;
  }
  common::block_end_signals();
  const auto& settings = std::get<configs::agent_settings>(read);
  if (settings.print_rules)
    return print_rules(settings);
  if (settings.leave_farm)
    return leave_farm(settings);
  if (settings.check)
    return check(settings);
  if (geteuid() != 0)
    common::log::info("autodeployer is not root: instances run as its own user");
  remark_on_groups();
  allow_many_instances();
  return serve(settings);
}

} // namespace

// Copying a std::variant is said to throw; none of ours is ever without a value.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  return common::run_daemon(run, argc, argv);
}
