#include "actors/common/daemon.hpp"
#include "actors/common/gateway.hpp"
#include "actors/common/logging.hpp"
#include "actors/common/terminator.hpp"
#include "actors/decisions/access.hpp"
#include "actors/server.hpp"
#include "actors/server_keys.hpp"
#include "actors/standby.hpp"
#include "deploy-configs/settings.hpp"
#include "messages/bus/io_thread.hpp"
#include "store/copy_store.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <utility>

namespace {

using namespace deployminator;

constexpr char program[] = "deployminator";

/// Each machine costs two sockets, for orders and for progress; so many more descriptors are the
/// server's own and its clients'.
constexpr std::uint64_t files_for_machine = 2;
constexpr std::uint64_t files_for_others = 500;
/// From here on nobody need think of it.
constexpr std::uint64_t many_files = 20'000;

void allow_many_machines() {
  auto limit = common::raise_open_files();
  if (limit >= many_files)
    return;
  auto machines = limit > files_for_others ? (limit - files_for_others) / files_for_machine : 0;
  common::log::warning("deployminator may open few files: raise its limit (LimitNOFILE=)",
                       {{"limit", limit}, {"enough_for_machines", machines}});
}

std::function<std::uint64_t()> system_random() {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device{}());
  return [engine] { return (*engine)(); };
}

int print_roles() {
  std::fputs(actors::access_text().c_str(), stdout);
  return 0;
}

int make_keys(const configs::server_settings& settings) {
  auto next_step = settings.init ? actors::init_keys(settings)
                                 : actors::rotate_key(settings, messages::system_utc_now());
  if (!next_step)
    return common::fail(program, next_step.error());
  std::fputs(next_step->c_str(), stdout);
  return 0;
}

int copy_store(const configs::server_settings& settings) {
  const auto& from = settings.copy_store.front();
  const auto& to = settings.copy_store.back();
  auto copied = store::copy_store(from, to, settings.store_password_file);
  if (!copied)
    return common::fail(program, copied.error());
  for (const auto& each : *copied)
    std::printf("%s: %ju rows\n", each.name.c_str(), static_cast<std::uintmax_t>(each.rows));
  std::printf("%s is a copy of %s, row by row\n", to.c_str(), from.c_str());
  return 0;
}

void announce(const actors::server& server, const std::optional<messages::next_server_key>& next) {
  if (next)
    common::log::info("deployminator has a next key",
                      {{"key", next->key}, {"from", to_text(next->from)}});
  caf::anon_send(server.sessions, atom::rotate_v,
                 next ? std::make_shared<const messages::next_server_key>(*next)
                      : actors::next_server_key_ptr{});
}

/// Does what the key file says of the server's key now; whether that is to be announced. A server
/// that cannot take its next key ends.
bool follow_keys(actors::key_watch& file, bus::io_thread& sockets, std::atomic<bool>& failed) {
  auto news = file.look(messages::system_utc_now());
  if (news.unreadable)
    common::log::warning("deployminator cannot read its key file, goes on with its key",
                         {{"reason", news.unreadable->message}});
  if (news.taken) {
    auto done = sockets.prove_with(*news.taken);
    if (done)
      common::log::info("deployminator has taken its next key",
                        {{"key", news.taken->own.public_key}});
    else
      common::end_process(done.error(), failed);
  }
  return news.is_announced;
}

/// Between two looks at the key file.
constexpr std::chrono::seconds between_looks{1};

/// Waits until this server may lead, and returns its epoch; nothing where the process is to end
/// before. Fails where the database cannot be asked.
messages::result<std::optional<std::uint64_t>>
wait_for_lead(const actors::server_config& config, const actors::server_sockets& opened,
              actors::key_watch& file, bus::io_thread& sockets, std::atomic<bool>& failed) {
  actors::standby waiting{config, opened.at(bus::socket_kind::orders_server)};
  auto epoch = waiting.try_to_lead();
  if (!epoch || *epoch)
    return epoch;
  sockets.deliver_to([&waiting](const bus::inbound& in) { waiting.answer(in); });
  common::notify_ready();
  static_assert(between_looks <= actors::standby_interval);
  while (epoch && !*epoch && !common::wait_for_end(between_looks)) {
    follow_keys(file, sockets, failed);
    epoch = waiting.try_to_lead();
  }
  sockets.deliver_to({});
  return epoch;
}

/// Leads until the process is to end.
int lead(const configs::server_settings& settings, const actors::server_config& config,
         const actors::server_sockets& opened, std::uint64_t epoch, actors::key_watch& file,
         bus::io_thread& sockets, std::atomic<bool>& failed) {
  caf::actor_system_config caf_config;
  common::set_scheduler(caf_config);
  caf::actor_system system{caf_config};
  auto server = actors::spawn_server(system, config, opened, epoch);
  if (!server)
    return common::fail(program, server.error());
  for (const auto& each : server->all)
    common::end_process_with(each, failed);
  sockets.deliver_to(
    [gateway = server->gateway](bus::inbound in) { caf::anon_send(gateway, std::move(in)); });
  common::log::info("deployminator serves", {{"listen", settings.listen},
                                             {"publish", settings.publish},
                                             {"collect", settings.collect},
                                             {"store", settings.store},
                                             {"keys", settings.keys},
                                             {"epoch", server->epoch},
                                             {"version", DEPLOYMINATOR_VERSION}});
  common::notify_ready();
  if (file.next())
    announce(*server, file.next());
  while (!common::wait_for_end(between_looks))
    if (follow_keys(file, sockets, failed))
      announce(*server, file.next());
  common::log::info("deployminator ends; instances go on");
  sockets.stop();
  sockets.deliver_to({});
  common::end_actors(system, server->all);
  return failed ? common::could_not_go_on : 0;
}

int serve(const configs::server_settings& settings) {
  auto own = actors::load_keys(settings, messages::system_utc_now());
  if (!own) {
    common::fail(program, own.error());
    return common::wrong_settings;
  }
  store::retention keep;
  keep.events = settings.keep_events;
  keep.event_age = std::chrono::hours{24 * settings.keep_event_days};
  auto database = store::open_store(settings.store, settings.store_password_file, keep,
                                    actors::identify(settings.listen));
  if (!database) {
    common::fail(program, database.error());
    bool is_wrong = database.error().code == messages::failure_code::invalid;
    return is_wrong ? common::wrong_settings : common::could_not_go_on;
  }
  std::atomic<bool> failed = false;
  bool asks_for_keys = !std::holds_alternative<std::monostate>(own->keys);
  bus::io_thread sockets{own->keys};
  actors::server_config config{
    database->get(),          &sockets,       settings.listen,     settings.publish,
    settings.collect,         asks_for_keys,  own->first_operator, true,
    messages::system_utc_now, system_random()};
  config.kept_versions = settings.keep_versions;
  config.overcommit_percent = settings.overcommit_percent;
  config.silence = {std::nullopt, settings.silent_share.first, settings.silent_share.second};
  if (settings.replace_after != messages::never_replaced)
    config.silence.replace_after = settings.replace_after;
  auto opened = actors::open_sockets(config);
  if (!opened)
    return common::fail(program, opened.error());
  actors::key_watch file{settings, std::move(*own)};
  auto epoch = wait_for_lead(config, *opened, file, sockets, failed);
  if (!epoch)
    return common::fail(program, epoch.error());
  if (!*epoch)
    return failed ? common::could_not_go_on : 0;
  auto code = lead(settings, config, *opened, **epoch, file, sockets, failed);
  // Nothing of this server asks the store any more.
  if (auto ended = (*database)->give_up_lead(); !ended)
    common::log::warning("deployminator cannot give its lease up: it ends by itself",
                         {{"reason", ended.error().message}});
  return code;
}

int run(int argc, char** argv) {
  auto read = configs::read_server_settings(argc, argv);
  if (const auto* done = std::get_if<configs::exit_now>(&read)) {
    std::fputs(done->text.c_str(), done->to_stdout ? stdout : stderr);
    return done->code;
  }
  common::block_end_signals();
  const auto& settings = std::get<configs::server_settings>(read);
  for (const auto& each : settings.warnings)
    common::log::warning(each);
  if (settings.roles)
    return print_roles();
  if (settings.init || settings.rotate_key)
    return make_keys(settings);
  if (!settings.copy_store.empty())
    return copy_store(settings);
  allow_many_machines();
  return serve(settings);
}

} // namespace

// Copying a std::variant is said to throw; none of ours is ever without a value.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  return common::run_daemon(run, argc, argv);
}
