#include "actors/server_keys.hpp"

#include "deploy-configs/key_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::actors {

namespace {

using messages::failure;
using messages::failure_code;
using messages::result;

constexpr std::string_view any_address = "tcp://*";

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

/// What people are told as the server's address, where the operator does not say.
std::vector<std::string> advertised(const configs::server_settings& settings) {
  if (!settings.advertise.empty())
    return settings.advertise;
  if (settings.listen.starts_with(any_address))
    return {"tcp://" + host_name() + settings.listen.substr(any_address.size())};
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

} // namespace

result<std::string> init_keys(const configs::server_settings& settings) {
  const auto& directory = settings.keys;
  if (directory == "none")
    return failure{failure_code::invalid, "--init makes keys, and --keys is none",
                   "name the directory for them: --keys DIR"};
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

result<own_keys> load_keys(const configs::server_settings& settings) {
  if (settings.keys == "none")
    return own_keys{};
  auto read = configs::read_server_key_file(configs::server_key_path(settings.keys));
  if (!read)
    return failure{read.error().code, read.error().message,
                   read.error().hint.empty()
                     ? "`deployminator --init --advertise tcp://HOST:4001` makes the keys; --keys "
                       "none does without, on loopback"
                     : read.error().hint};
  return own_keys{bus::server_keys{{read->public_key, read->secret_key}}, read->operator_key};
}

} // namespace deployminator::actors
