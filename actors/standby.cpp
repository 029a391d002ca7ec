#include "actors/standby.hpp"

#include "actors/common/logging.hpp"
#include "actors/decisions/keyring.hpp"
#include "actors/sessions.hpp"
#include "messages/codec.hpp"
#include "messages/random_id.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace deployminator::actors {

namespace {

using messages::failure;
using messages::failure_code;

/// Keys change seldom.
constexpr int looks_between_keys = 5;

} // namespace

store::this_server identify(const std::string& listen) {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  std::string boot;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
  std::error_code unknown;
  auto network = std::filesystem::read_symlink("/proc/self/ns/net", unknown);
  // Another process may take the path of an ipc address over from one that lives.
  bool is_taken_by_one = listen.starts_with("tcp:") && !boot.empty() && !unknown;
  auto id = is_taken_by_one ? fmt::format("{} {} {}", boot, network.string(), listen)
                            : messages::new_random_id();
  return {std::move(id), name.data(), listen, DEPLOYMINATOR_VERSION};
}

standby::standby(const server_config& config, bus::socket_id orders)
  : config_(config), orders_(orders) {}

messages::result<std::optional<std::uint64_t>> standby::try_to_lead() {
  auto epoch = config_.database->begin_epoch();
  if (epoch)
    return std::optional{*epoch};
  if (epoch.error().code != failure_code::refused && !waits_)
    return epoch.error();
  stand_by(epoch.error());
  if (config_.asks_for_keys && --until_keys_ < 0)
    let_clients_in();
  return std::optional<std::uint64_t>{};
}

void standby::stand_by(const failure& why) {
  bool is_news = false;
  {
    std::lock_guard lock{mutex_};
    is_news = !std::exchange(waits_, true) || why_ != why;
    why_ = why;
  }
  if (!is_news)
    return;
  if (why.code == failure_code::refused)
    common::log::info("deployminator stands by", {{"because", why.message}});
  else
    common::log::warning("deployminator stands by, and cannot ask for the lead",
                         {{"reason", why.message}, {"hint", why.hint}});
}

/// Else nobody could hear that this server stands by.
void standby::let_clients_in() {
  auto keys = config_.database->keys();
  if (!keys)
    return;
  until_keys_ = looks_between_keys;
  config_.sockets->trust(*trusted(keyring{*keys}));
}

void standby::answer(const bus::inbound& in) {
  if (in.socket != orders_ || in.bytes.empty())
    return;
  auto decoded = messages::decode(in.bytes);
  if (!decoded)
    return;
  messages::envelope answer{decoded->id, 0, messages::unknown_peer{config_.utc_now()}};
  if (std::holds_alternative<messages::hello>(decoded->body)) {
    std::lock_guard lock{mutex_};
    answer.body
      = messages::refusal{{failure_code::unreachable,
                           fmt::format("the server at {} stands by: {}", config_.listen,
                                       waits_ ? why_.message : "it has just started"),
                           "name every server of the farm, as --server URL,URL: the one that leads "
                           "is found"},
                          true};
  }
  config_.sockets->send(orders_, in.peer, messages::encode(answer));
}

} // namespace deployminator::actors
