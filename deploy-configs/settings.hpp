#pragma once

#include "deploy-configs/key_file.hpp"
#include "messages/application.hpp"
#include "messages/duration.hpp"
#include "messages/public_ports.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

/// The settings of the three programs: a flag wins over the environment, that over the config file,
/// that over the default. README.md lists them.
namespace deployminator::configs {

/// What the settings are read from besides the command line; tests put their own in place.
struct surroundings {
  /// The value of an environment variable; one that is empty counts as not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  /// Stands before the default config files' `/etc`.
  std::string root;

  /// The path; where it is the default, below `root`.
  [[nodiscard]] std::string below_root(const std::string& path,
                                       const std::string& default_path) const;

  /// The process's own environment and `/etc`.
  static surroundings real();
};

/// The program has nothing more to do than to print this text and to end with this code: after
/// `--help` and `--version` 0, after wrong usage or a wrong config file 2.
struct exit_now {
  int code = 0;
  std::string text;
  /// Else to stderr.
  bool to_stdout = false;
};

/// The settings of `deployminator`.
struct server_settings {
  /// Endpoints such as `tcp://127.0.0.1:4001`: orders, events, the agents' progress.
  std::string listen;
  std::string publish;
  std::string collect;
  /// `sqlite:PATH` or `mysql://USER@HOST:PORT/DB`.
  std::string store;
  /// Empty where none is given; `sqlite:` needs none.
  std::string store_password_file;
  /// Of each group, those that run aside; at least 1.
  std::uint64_t keep_versions = 10;
  /// The newest events, and none for longer than so many days.
  std::uint64_t keep_events = 50'000;
  std::uint64_t keep_event_days = 90;
  /// Of a machine's memory, promised to instances at most; 0: it is not counted.
  std::uint64_t overcommit_percent = 0;
  /// What ran on a machine that is silent for so long is placed elsewhere, where deploy.yaml says
  /// nothing of it; or `messages::never_replaced`.
  messages::duration replace_after = messages::never_replaced;
  /// Unless more than this part of the machines is silent: `{1, 3}` is a third.
  std::pair<std::uint64_t, std::uint64_t> silent_share{1, 3};
  /// The directory of keys, or `none`.
  std::string keys;
  /// Make the server's key and the first operator's, and end.
  bool init = false;
  /// Make the server's next key, which takes over after `rotate_in`, and end.
  bool rotate_key = false;
  messages::duration rotate_in{};
  /// The addresses that key files name as the server's; empty: to be guessed.
  std::vector<std::string> advertise;
  /// Copy the first of these two stores into the second, and end; empty: do not.
  std::vector<std::string> copy_store;
  /// Print which role may send which message, and end.
  bool roles = false;
  /// What a person should know at start, one sentence each.
  std::vector<std::string> warnings;
};

/// The settings of `autodeployer`.
struct agent_settings {
  /// The servers' listen endpoints, at least one.
  std::vector<std::string> servers;
  /// The machine's name.
  std::string name;
  /// The machine groups it belongs to, at least one.
  std::vector<std::string> groups;
  /// Absolute; empty: the system's directories.
  std::string root;
  /// What instances may share, in units of 1024 * 1024 bytes.
  std::uint64_t memory_mb = 0;
  /// What the logs of one instance, and of all, may take of the disk, in units of 1024 * 1024
  /// bytes.
  std::uint64_t log_size_mb = 64;
  std::uint64_t log_total_mb = 1024;
  /// How many days the log of an instance stays that is gone.
  std::uint64_t log_days = 7;
  /// The directory below which files are published, absolute; empty: nowhere.
  std::string static_root;
  /// Unset: `--keys none`.
  std::optional<key_file> key;
  /// The config file, absolute; it may not exist.
  std::string config_file;
  /// What the config file says of public ports.
  std::vector<messages::public_port_entry> public_ports;
  /// Print the packet filter's rules and end.
  bool print_rules = false;
  /// Forget the farm and end.
  bool leave_farm = false;
  /// Tell what this machine can do and end.
  bool check = false;
};

/// The settings of `deploy` that stand before the verb.
struct client_settings {
  /// The servers' listen endpoints; empty: those of the key file.
  std::vector<std::string> servers;
  /// A key file, there or not, or `none`.
  std::string keys;
  bool json = false;
  /// Also set where `NO_COLOR` is.
  bool no_color = false;
  /// Show times in UTC.
  bool utc = false;
};

/// Called once, first thing in main.
std::variant<server_settings, exit_now> read_server_settings(int argc, const char* const* argv,
                                                             const surroundings& from
                                                             = surroundings::real());

/// Called once, first thing in main.
std::variant<agent_settings, exit_now> read_agent_settings(int argc, const char* const* argv,
                                                           const surroundings& from
                                                           = surroundings::real());

/// What the text of the agent's config file says of public ports; fails with its first mistake,
/// whatever it is about.
messages::result<std::vector<messages::public_port_entry>> public_ports_in(const std::string& text,
                                                                           const std::string& file);

class option_set;

/// Adds the client's options to the command line of `deploy`, whose verbs are declared elsewhere.
class client_options {
public:
  /// This must live until the app has parsed, and the app until `resolve` has been called.
  explicit client_options(CLI::App& app);
  ~client_options();

  /// After parsing: the settings, or every mistake in environment and config file, one a line.
  messages::result<client_settings> resolve(const surroundings& from = surroundings::real()) const;

private:
  std::unique_ptr<option_set> options_;
};

/// Where a client finds its servers, and what it proves itself with.
struct server_access {
  /// At least one.
  std::vector<std::string> servers;
  /// Unset: `--keys none`.
  std::optional<key_file> key;
};

/// Reads the client's key file. Verbs that talk to no server do without.
messages::result<server_access> access_of(const client_settings& settings);

/// Without keys nothing is encrypted, so every address must be on loopback: 127.0.0.0/8, [::1],
/// localhost or ipc.
messages::result<void> check_loopback(const std::vector<std::string>& addresses);

} // namespace deployminator::configs
