#include "actors/server_keys.hpp"

#include "deploy-configs/key_file.hpp"
#include "messages/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <unistd.h>
#include <utility>
#include <variant>

#include <sys/stat.h>

namespace deployminator::actors {

namespace {

using messages::failure;
using messages::failure_code;
using messages::result;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

/// What people are told as the server's address, where the operator does not say.
std::vector<std::string> advertised(const configs::server_settings& settings) {
  if (!settings.advertise.empty())
    return settings.advertise;
  auto listen = messages::parse_endpoint(settings.listen, messages::endpoint_use::listen);
  if (listen && listen->is_any_address())
    return {messages::tcp_endpoint(host_name(), listen->port)};
  return {settings.listen};
}

result<void> make_directory(const std::string& path) {
  std::error_code error;
  bool is_new = std::filesystem::create_directories(path, error);
  if (is_new)
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error)
    return failure{
      failure_code::internal,
      fmt::format("the directory of keys {} cannot be made: {}", path, error.message()),
      "run this as root, or name another directory with --keys"};
  return {};
}

/// Root makes them for the user that the server runs as, who owns the directory.
result<void> give_to_owner(const std::string& directory, const std::string& path) {
  struct stat is {};
  bool given = ::stat(directory.c_str(), &is) == 0
               && (geteuid() != 0 || ::chown(path.c_str(), is.st_uid, is.st_gid) == 0);
  if (given)
    return {};
  return failure{
    failure_code::internal,
    fmt::format("{} cannot be given to the owner of {}: {}", path, directory, std::strerror(errno)),
    "see who owns the directory of keys"};
}

/// One half of a set of keys would be of no use, and is not to be overwritten.
result<void> insist_on_none(const std::string& directory) {
  for (const auto& path :
       {configs::server_key_path(directory), configs::operator_key_path(directory)}) {
    std::error_code cannot_tell;
    if (std::filesystem::exists(path, cannot_tell))
      return failure{failure_code::refused, fmt::format("there is a key already, in {}", path),
                     "SECURITY.md tells what to do where the operator's key is lost"};
  }
  return {};
}

failure no_keys(std::string_view consequence) {
  return {failure_code::invalid, fmt::format("{}, and --keys is none", consequence),
          "name the directory of keys: --keys DIR"};
}

/// The key that has taken over is the only one.
configs::server_key_file as_of(configs::server_key_file content, messages::timestamp now) {
  if (content.next && content.next->from <= now) {
    content.public_key = content.next->public_key;
    content.secret_key = content.next->secret_key;
    content.next.reset();
  }
  return content;
}

} // namespace

result<std::string> init_keys(const configs::server_settings& settings) {
  const auto& directory = settings.keys;
  if (directory == "none")
    return no_keys("--init makes keys");
  if (auto made = make_directory(directory); !made)
    return made.error();
  if (auto none = insist_on_none(directory); !none)
    return none.error();
  auto server = bus::new_key_pair();
  auto person = bus::new_key_pair();
  auto servers = advertised(settings);
  auto operator_path = configs::operator_key_path(directory);
  auto written = configs::write_key_file(operator_path,
                                         {"operator", messages::key_role::operator_, servers,
                                          server.public_key, person.public_key, person.secret_key});
  if (written)
    written = configs::write_server_key_file(
      configs::server_key_path(directory),
      {servers, server.public_key, server.secret_key, person.public_key});
  for (const auto& path : {operator_path, configs::server_key_path(directory)})
    if (written)
      written = give_to_owner(directory, path);
  if (!written)
    return written.error();
  return fmt::format("The server's key is in {}, the first operator's in {}.\n"
                     "Agents and people reach the server at {}.\n"
                     "Next: start the server, move {} to ~/.config/deploy/deploy.key where you "
                     "work,\nand run `deploy status` there.\n",
                     configs::server_key_path(directory), operator_path, fmt::join(servers, " or "),
                     operator_path);
}

result<std::string> rotate_key(const configs::server_settings& settings, messages::timestamp now) {
  if (settings.keys == "none")
    return no_keys("--rotate-key makes the server's next key");
  auto path = configs::server_key_path(settings.keys);
  auto read = configs::read_server_key_file(path);
  if (!read)
    return read.error();
  auto content = as_of(std::move(*read), now);
  if (content.next)
    return failure{failure_code::refused,
                   fmt::format("the server's key is being rotated already: {} takes over at {}",
                               content.next->public_key, to_text(content.next->from)),
                   "`deploy key list` tells who does not know it yet"};
  auto pair = bus::new_key_pair();
  messages::timestamp from{
    now.microseconds
    + std::chrono::duration_cast<std::chrono::microseconds>(settings.rotate_in).count()};
  content.next = configs::next_key_pair{pair.public_key, pair.secret_key, from};
  if (auto written = configs::replace_server_key_file(path, content); !written)
    return written.error();
  return fmt::format("The server's next key is {}.\nIt takes over at {}. Until then every machine "
                     "and person that talks to the server\nlearns it and keeps it in the key "
                     "file; `deploy key list` tells who does not know it yet.\n",
                     pair.public_key, to_text(from));
}

result<own_keys> load_keys(const configs::server_settings& settings, messages::timestamp now) {
  if (settings.keys == "none")
    return own_keys{};
  auto read = configs::read_server_key_file(configs::server_key_path(settings.keys));
  if (!read)
    return failure{read.error().code, read.error().message,
                   read.error().hint.empty()
                     ? "`deployminator --init --advertise tcp://HOST:4001` makes the keys; --keys "
                       "none does without, on loopback"
                     : read.error().hint};
  auto content = as_of(std::move(*read), now);
  own_keys out{
    bus::server_keys{{content.public_key, content.secret_key}}, content.operator_key, {}};
  if (content.next)
    out.next = messages::next_server_key{content.next->public_key, content.next->from};
  return out;
}

key_watch::news key_watch::look(messages::timestamp now) {
  latest_ = std::max(latest_, now);
  news out;
  auto found = load_keys(settings_, latest_);
  bool was_readable = std::exchange(is_readable_, static_cast<bool>(found));
  if (!found) {
    if (was_readable)
      out.unreadable = found.error();
    return out;
  }
  const auto* is = std::get_if<bus::server_keys>(&found->keys);
  const auto* was = std::get_if<bus::server_keys>(&used_.keys);
  if (is && was && is->own.secret_key != was->own.secret_key)
    out.taken = *is;
  out.is_announced = found->next != used_.next;
  used_ = std::move(*found);
  return out;
}

} // namespace deployminator::actors
