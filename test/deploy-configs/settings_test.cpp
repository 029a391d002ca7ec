#include "deploy-configs/settings.hpp"

#include <CLI/CLI.hpp>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

namespace deployminator::configs {

namespace {

namespace fs = std::filesystem;
using messages::failure_code;

/// A directory that stands for `/`, and an environment of its own.
class place {
public:
  place() {
    std::string name = (fs::temp_directory_path() / "settings-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() {
    fs::remove_all(root_);
  }

  std::map<std::string, std::string> variables;

  /// Writes a file below the directory and returns its whole path.
  std::string write(const std::string& path, const std::string& text) const {
    auto whole = root_ / path;
    fs::create_directories(whole.parent_path());
    std::ofstream{whole} << text;
    return whole.string();
  }

  std::string server_file(const std::string& text) const {
    return write("etc/deployminator/config.yaml", text);
  }

  std::string agent_file(const std::string& text) const {
    return write("etc/cnw/autodeployer/config.yaml", text);
  }

  surroundings get() const {
    return {[this](const std::string& name) -> std::optional<std::string> {
              auto found = variables.find(name);
              return found != variables.end() ? std::optional{found->second} : std::nullopt;
            },
            root_.string()};
  }

  std::variant<server_settings, exit_now> server(std::vector<const char*> arguments = {}) const {
    arguments.insert(arguments.begin(), "deployminator");
    return read_server_settings(static_cast<int>(arguments.size()), arguments.data(), get());
  }

  /// Without keys, unless the arguments say otherwise.
  std::variant<agent_settings, exit_now> agent(std::vector<const char*> arguments = {}) const {
    if (std::find(arguments.begin(), arguments.end(), std::string_view{"--keys"})
        == arguments.end())
      arguments.insert(arguments.begin(), {"--keys", "none"});
    return agent_with_keys(std::move(arguments));
  }

  std::variant<agent_settings, exit_now> agent_with_keys(std::vector<const char*> arguments
                                                         = {}) const {
    arguments.insert(arguments.begin(), "autodeployer");
    return read_agent_settings(static_cast<int>(arguments.size()), arguments.data(), get());
  }

  messages::result<client_settings> client(std::vector<const char*> arguments = {}) const {
    arguments.insert(arguments.begin(), "deploy");
    CLI::App app;
    client_options options{app};
    app.add_subcommand("status", "a verb");
    app.parse(static_cast<int>(arguments.size()), arguments.data());
    return options.resolve(get());
  }

private:
  fs::path root_;
};

template <class Settings>
Settings good(std::variant<Settings, exit_now> read) {
  if (auto* done = std::get_if<exit_now>(&read))
    FAIL(done->text);
  return std::get<Settings>(std::move(read));
}

/// What a program that was used wrongly prints to stderr.
template <class Settings>
std::string refused(const std::variant<Settings, exit_now>& read) {
  const auto* done = std::get_if<exit_now>(&read);
  if (done == nullptr)
    return "accepted";
  CHECK(done->code == 2);
  CHECK_FALSE(done->to_stdout);
  return done->text;
}

// -- defaults and precedence ----------------------------------------------------------------------

TEST_CASE_FIXTURE(place, "with nothing given the server has its defaults") {
  auto settings = good(server());
  CHECK(settings.listen == "tcp://127.0.0.1:4001");
  CHECK(settings.publish == "tcp://127.0.0.1:4002");
  CHECK(settings.collect == "tcp://127.0.0.1:4003");
  CHECK(settings.store == "sqlite:/var/lib/deployminator/deployminator.sqlite");
  CHECK(settings.store_password_file.empty());
  CHECK(settings.keys.ends_with("/etc/deployminator/keys"));
  CHECK(settings.warnings.empty());
}

TEST_CASE_FIXTURE(place, "without keys and with nothing given the agent has its defaults") {
  std::array<char, 256> host{};
  REQUIRE(gethostname(host.data(), host.size() - 1) == 0);
  auto settings = good(agent());
  CHECK(settings.servers == std::vector<std::string>{"tcp://127.0.0.1:4001"});
  CHECK(settings.name == host.data());
  CHECK(settings.groups == std::vector<std::string>{"worker"});
  CHECK(settings.root.empty());
  CHECK(settings.memory_mb > 100);
  CHECK(settings.log_size_mb == 64);
  CHECK(settings.log_total_mb == 1024);
  CHECK(settings.log_days == 7);
  CHECK(settings.static_root.empty());
  CHECK_FALSE(settings.key);
}

TEST_CASE_FIXTURE(place, "with nothing given the client has its defaults") {
  auto settings = client();
  REQUIRE(settings);
  CHECK(settings->servers.empty());
  CHECK(settings->keys.ends_with("/etc/deploy/deploy.key"));
  CHECK_FALSE(settings->json);
  CHECK_FALSE(settings->no_color);
}

TEST_CASE_FIXTURE(place,
                  "a flag wins over the environment, that over the file, that over the default") {
  server_file("publish: tcp://127.0.0.1:12\nlisten: tcp://127.0.0.1:11\nstore: sqlite:file\n");
  variables = {{"DEPLOYMINATOR_PUBLISH", "tcp://127.0.0.1:22"},
               {"DEPLOYMINATOR_LISTEN", "tcp://127.0.0.1:21"}};
  auto settings = good(server({"--listen", "tcp://127.0.0.1:31"}));
  CHECK(settings.listen == "tcp://127.0.0.1:31");
  CHECK(settings.publish == "tcp://127.0.0.1:22");
  CHECK(settings.store == "sqlite:file");
  CHECK(settings.collect == "tcp://127.0.0.1:4003");
}

TEST_CASE_FIXTURE(place, "an empty environment variable counts as not set") {
  variables = {{"DEPLOYMINATOR_LISTEN", ""}};
  CHECK(good(server()).listen == "tcp://127.0.0.1:4001");
}

TEST_CASE_FIXTURE(place,
                  "--config names another file, as does its variable, which loses to the flag") {
  server_file("listen: tcp://127.0.0.1:1\n");
  auto second = write("second.yaml", "listen: tcp://127.0.0.1:2\n");
  auto third = write("third.yaml", "listen: tcp://127.0.0.1:3\n");
  CHECK(good(server()).listen == "tcp://127.0.0.1:1");
  variables = {{"DEPLOYMINATOR_CONFIG", second}};
  CHECK(good(server()).listen == "tcp://127.0.0.1:2");
  CHECK(good(server({"--config", third.c_str()})).listen == "tcp://127.0.0.1:3");
}

TEST_CASE_FIXTURE(
  place, "every setting of the agent can stand in its file, lists as YAML or with commas") {
  agent_file("Server: [tcp://127.0.0.1:1, \"tcp://[::1]:2\"]\nname: web1\ngroups: a, b\n"
             "root: /srv/farm/../x\nmemory: 512\nkeys: none\n"
             "log-size: 10\nlog-total: 200\nlog-days: 3\nstatic-root: /srv/www\n");
  auto settings = good(agent());
  CHECK(settings.servers == std::vector<std::string>{"tcp://127.0.0.1:1", "tcp://[::1]:2"});
  CHECK(settings.name == "web1");
  CHECK(settings.groups == std::vector<std::string>{"a", "b"});
  CHECK(settings.root == "/srv/x");
  CHECK(settings.memory_mb == 512);
  CHECK(settings.log_size_mb == 10);
  CHECK(settings.log_total_mb == 200);
  CHECK(settings.log_days == 3);
  CHECK(settings.static_root == "/srv/www");
}

TEST_CASE_FIXTURE(place, "every setting of the agent can stand in the environment") {
  variables = {{"AUTODEPLOYER_SERVER", "tcp://127.0.0.1:1,ipc:///run/x"},
               {"AUTODEPLOYER_NAME", "web1"},
               {"AUTODEPLOYER_GROUPS", "a,b"},
               {"AUTODEPLOYER_ROOT", "farm"},
               {"AUTODEPLOYER_MEMORY", "512"},
               {"AUTODEPLOYER_KEYS", "none"}};
  auto settings = good(agent());
  CHECK(settings.servers == std::vector<std::string>{"tcp://127.0.0.1:1", "ipc:///run/x"});
  CHECK(settings.name == "web1");
  CHECK(settings.groups == std::vector<std::string>{"a", "b"});
  CHECK(settings.root == fs::current_path() / "farm");
  CHECK(settings.memory_mb == 512);
}

TEST_CASE_FIXTURE(place,
                  "the client's flags stand before the verb, in the environment or in the file") {
  auto by_flag
    = client({"--json", "--no-color", "--utc", "--server", "tcp://127.0.0.1:1", "status"});
  REQUIRE(by_flag);
  CHECK(by_flag->json);
  CHECK(by_flag->no_color);
  CHECK(by_flag->utc);
  CHECK(by_flag->servers == std::vector<std::string>{"tcp://127.0.0.1:1"});
  write("etc/deploy/config.yaml", "server: tcp://127.0.0.1:2\njson: yes\n");
  variables = {{"DEPLOY_NO_COLOR", "1"}, {"DEPLOY_JSON", "false"}};
  auto mixed = client({"status"});
  REQUIRE(mixed);
  CHECK(mixed->servers == std::vector<std::string>{"tcp://127.0.0.1:2"});
  CHECK(mixed->no_color);
  CHECK_FALSE(mixed->json);
}

TEST_CASE_FIXTURE(place, "NO_COLOR turns colour off, unless it is empty") {
  variables = {{"NO_COLOR", ""}};
  CHECK_FALSE(client()->no_color);
  variables = {{"NO_COLOR", "1"}};
  CHECK(client()->no_color);
}

TEST_CASE_FIXTURE(place, "public ports stand in the agent's file beside its settings") {
  auto file = agent_file("name: web1\n"
                         "applications:\n"
                         "- matcher: {binary: web}\n"
                         "  actionports: [{portindex: 2, publicport: 80}]\n");
  auto settings = good(agent());
  CHECK(settings.name == "web1");
  CHECK(settings.config_file == file);
  REQUIRE(settings.public_ports.size() == 1);
  CHECK(settings.public_ports[0].binary == "web");
  CHECK(settings.public_ports[0].ports == std::vector<messages::public_port_mapping>{{2, 80}});
}

TEST_CASE_FIXTURE(place, "a wrong public port is refused with the other mistakes of the file") {
  auto file = agent_file("applications:\n"
                         "- matcher: {binary: web}\n"
                         "  actionports: [{portindex: 0, publicport: 80}]\n"
                         "memory: much\n");
  CHECK(refused(agent())
        == "autodeployer: " + file
             + ":3:29: `portindex` is `0`; expected a whole number from 1 to 100\nautodeployer: "
             + file + ":4:9: `memory` is `much`; expected a whole number from 1\n");
}

TEST_CASE_FIXTURE(place, "to print the rules is asked by the flag alone") {
  CHECK(good(agent({"--print-rules"})).print_rules);
  variables["AUTODEPLOYER_PRINT_RULES"] = "true";
  CHECK_FALSE(good(agent()).print_rules);
  agent_file("print-rules: true\n");
  CHECK(refused(agent()).find("unknown key `print-rules`") != std::string::npos);
}

TEST_CASE("a changed config file is checked as a whole") {
  auto good_one = public_ports_in("name: a\napplications:\n- matcher: {binary: web}\n"
                                  "  actionports: [{portindex: 1, publicport: 80}]\n",
                                  "config.yaml");
  REQUIRE(good_one);
  CHECK(good_one->size() == 1);
  auto none = public_ports_in("", "config.yaml");
  REQUIRE(none);
  CHECK(none->empty());
  auto typing_error = public_ports_in("aplications:\n- 1\nnome: b\n", "config.yaml");
  REQUIRE_FALSE(typing_error);
  CHECK(typing_error.error().message
        == "config.yaml:1:1: unknown key `aplications` in the config file; did you mean "
           "`applications`? (and 1 more)");
}

TEST_CASE_FIXTURE(place, "the next key of the server takes over after a time such as 7d") {
  auto in = [this](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "--rotate-key");
    auto read = server(arguments);
    REQUIRE(std::holds_alternative<server_settings>(read));
    CHECK(std::get<server_settings>(read).rotate_key);
    return std::get<server_settings>(read).rotate_in;
  };
  CHECK(in({}) == std::chrono::days{7});
  CHECK(in({"--in", "30d"}) == std::chrono::days{30});
  CHECK(in({"--in", "90s"}) == std::chrono::seconds{90});
  for (const auto* wrong : {"soon", "d", "-1d", "400d", "7"}) {
    auto read = server({"--rotate-key", "--in", wrong});
    REQUIRE(std::holds_alternative<exit_now>(read));
    CHECK(std::get<exit_now>(read).text.find("expected a time such as 7d, 12h or 90s")
          != std::string::npos);
  }
}

TEST_CASE_FIXTURE(place, "a password file is said not to be used with sqlite") {
  auto settings = good(server({"--store-password-file", "/x"}));
  CHECK(settings.store_password_file == "/x");
  CHECK(settings.keep_versions == 10);
  CHECK(good(server({"--keep-versions", "3"})).keep_versions == 3);
  CHECK(settings.keep_events == 50'000);
  CHECK(settings.keep_event_days == 90);
  CHECK(good(server({"--keep-events", "1000"})).keep_events == 1000);
  CHECK(good(server({"--keep-event-days", "7"})).keep_event_days == 7);
  CHECK(settings.overcommit_percent == 0);
  CHECK(good(server({"--overcommit", "150%"})).overcommit_percent == 150);
  CHECK(good(server({"--overcommit", "none"})).overcommit_percent == 0);
  CHECK(settings.replace_after == messages::never_replaced);
  auto patient = good(server({"--replace-after", "5m", "--silent-share", "1/2"}));
  CHECK(patient.replace_after == std::chrono::minutes{5});
  CHECK(patient.silent_share == std::pair<std::uint64_t, std::uint64_t>{1, 2});
  for (const auto* wrong : {"2/1", "1/0", "a third", "-1/3", "0.3"})
    CHECK(refused(server({"--silent-share", wrong})).find("a part such as 1/3")
          != std::string::npos);
  CHECK(settings.warnings.size() == 1);
  auto maria = good(server({"--store", "mysql://u@h/d", "--store-password-file", "/x"}));
  CHECK(maria.warnings.empty());
}

// -- what is wrong --------------------------------------------------------------------------------

TEST_CASE_FIXTURE(place, "an unknown key or a value of the wrong type names file, line and key") {
  auto file = server_file("listen: 4001\npublsh: tcp://127.0.0.1:1\nstore: [a]\nkeys:\n"
                          "collect: {a: b}\nconfig: x\n");
  auto at = "deployminator: " + file;
  CHECK(refused(server())
        == at + ":1:9: `listen` is `4001`; expected an address such as tcp://127.0.0.1:4001\n" + at
             + ":2:1: unknown key `publsh` in the config file; did you mean `publish`?\n" + at
             + ":3:8: `store` is a list; expected sqlite:PATH or mysql://USER@HOST:PORT/DB\n" + at
             + ":5:10: `collect` is a map; expected an address such as tcp://127.0.0.1:4001\n" + at
             + ":6:1: unknown key `config` in the config file; expected `listen`, `publish`, "
               "`collect`, `store`, `store-password-file`, `keep-versions`, `keep-events`, "
               "`keep-event-days`, `overcommit`, `replace-after`, `silent-share` or `keys`\n");
  agent_file("memory: much\ngroups: [a, [b]]\n");
  auto agent_path = get().root + "/etc/cnw/autodeployer/config.yaml";
  CHECK(refused(agent())
        == "autodeployer: " + agent_path
             + ":1:9: `memory` is `much`; expected a whole number "
               "from 1\nautodeployer: "
             + agent_path
             + ":2:9: `groups` is a list; expected at least one, several separated by commas\n");
}

TEST_CASE_FIXTURE(place, "a config file that is no YAML map names its place") {
  auto file = server_file("a: b: c\n");
  CHECK(refused(server())
        == "deployminator: " + file
             + ":1:5: a second `: ` stands in this line; expected quotes around a value that holds "
               "one: `a: \"b: c\"`\n");
  server_file("- a\n");
  CHECK(refused(server())
        == "deployminator: " + file
             + ":1:1: this is a list; expected the config file, written as `key: value`\n");
  server_file("");
  good(server());
}

TEST_CASE_FIXTURE(place, "a config file that was named must be there and be a file") {
  auto missing = get().root + "/nowhere.yaml";
  CHECK(refused(server({"--config", missing.c_str()}))
        == "deployminator: " + missing
             + ": the config file cannot be read: No such file or directory\n");
  variables = {{"DEPLOYMINATOR_CONFIG", get().root}};
  CHECK(refused(server())
        == "deployminator: " + get().root + ": the config file cannot be read: Is a directory\n");
}

TEST_CASE_FIXTURE(place, "wrong values in the environment and in flags name these, all at once") {
  variables = {{"AUTODEPLOYER_MEMORY", "-1"}, {"AUTODEPLOYER_GROUPS", ","}};
  CHECK(
    refused(agent({"--server", "tcp://127.0.0.1:1,elsewhere", "--name", "a/b"}))
    == "autodeployer: --server is `tcp://127.0.0.1:1,elsewhere`; expected for each of them an "
       "address such as tcp://127.0.0.1:4001\n"
       "autodeployer: --name is `a/b`; expected letters, digits, `.`, `_` and `-`, at most 253, "
       "not beginning with `.` or `-`\n"
       "autodeployer: AUTODEPLOYER_GROUPS is `,`; expected at least one, several separated by "
       "commas\n"
       "autodeployer: AUTODEPLOYER_MEMORY is `-1`; expected a whole number from 1\n");
  variables = {{"DEPLOY_JSON", "perhaps"}};
  auto wrong = client();
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == failure_code::invalid);
  CHECK(wrong.error().message == "DEPLOY_JSON is `perhaps`; expected true or false");
}

TEST_CASE_FIXTURE(place, "an unknown flag is wrong usage") {
  auto text = refused(server({"--listn", "x"}));
  CHECK(text.find("deployminator: ") == 0);
  CHECK(text.find("--listn") != std::string::npos);
  CHECK(text.find("--help") != std::string::npos);
}

TEST_CASE_FIXTURE(place, "stores of other kinds than SQLite and MariaDB are refused") {
  CHECK(good(server({"--store", "mysql://u@h:3306/d"})).store == "mysql://u@h:3306/d");
  for (const std::string wrong : {"sqlite:", "postgres://u@h/d", "/var/lib/x"})
    CHECK(refused(server({"--store", wrong.c_str()}))
          == "deployminator: --store is `" + wrong
               + "`; expected sqlite:PATH or mysql://USER@HOST:PORT/DB\n");
}

TEST_CASE_FIXTURE(place, "a store is copied from one place to another") {
  auto copied = good(server({"--copy-store", "sqlite:a", "mysql://u@h/d"})).copy_store;
  CHECK(copied == std::vector<std::string>{"sqlite:a", "mysql://u@h/d"});
  CHECK(good(server({})).copy_store.empty());
  CHECK(refused(server({"--copy-store", "sqlite:a"})).find("--copy-store") != std::string::npos);
}

TEST_CASE_FIXTURE(place, "without keys an address off loopback is refused") {
  CHECK(refused(agent({"--server", "tcp://10.0.0.1:4001"}))
          .find("autodeployer: the address `tcp://10.0.0.1:4001` is not on loopback")
        == 0);
  CHECK(refused(server({"--keys", "none", "--publish", "tcp://*:4002"}))
          .find("`tcp://*:4002` is not on loopback")
        != std::string::npos);
  CHECK(good(server({"--publish", "tcp://*:4002"})).publish == "tcp://*:4002");
  auto far = access_of({{"tcp://example.org:4001"}, "none"});
  REQUIRE_FALSE(far);
  CHECK(far.error().code == failure_code::refused);
  CHECK(access_of({{}, "none"})->servers == std::vector<std::string>{"tcp://127.0.0.1:4001"});
}

TEST_CASE_FIXTURE(place, "a key file says who the machine is and where its servers are") {
  auto key = write("etc/cnw/autodeployer/machine.key", "");
  fs::remove(key);
  REQUIRE(write_key_file(key, {"web1",
                               messages::key_role::agent,
                               {"tcp://10.0.0.1:4001"},
                               std::string(40, 's'),
                               std::string(40, 'p'),
                               std::string(40, 'x')}));
  auto settings = good(agent_with_keys());
  REQUIRE(settings.key);
  CHECK(settings.name == "web1");
  CHECK(settings.servers == std::vector<std::string>{"tcp://10.0.0.1:4001"});
  CHECK(settings.key->secret_key == std::string(40, 'x'));
  auto other = good(agent_with_keys({"--server", "tcp://10.0.0.2:4001", "--name", "web2"}));
  CHECK(other.name == "web2");
  CHECK(other.servers == std::vector<std::string>{"tcp://10.0.0.2:4001"});
}

TEST_CASE_FIXTURE(place, "an agent without a key file is told how to get one") {
  auto said = refused(agent_with_keys());
  CHECK(said.find("machine.key cannot be read: No such file") != std::string::npos);
  CHECK(said.find("deploy key new MACHINE --role agent") != std::string::npos);
}

TEST_CASE_FIXTURE(place, "the client takes its own key file before everybody's") {
  auto home = fs::path{write("home/x", "")}.parent_path();
  variables = {{"HOME", home.string()}};
  auto own = (home / ".config/deploy/deploy.key").string();
  CHECK(client()->keys == own);
  auto shared = write("etc/deploy/deploy.key", "");
  CHECK(client()->keys == shared);
  write("home/.config/deploy/deploy.key", "");
  CHECK(client()->keys == own);
  variables["DEPLOY_KEYS"] = "/x/y.key";
  CHECK(client()->keys == "/x/y.key");
  CHECK(client({"--keys", "none"})->keys == "none");
}

TEST_CASE("only this machine's own addresses are loopback") {
  for (const char* near : {"tcp://127.0.0.1:1", "tcp://127.9.8.7:1", "tcp://[::1]:1",
                           "tcp://localhost:1", "tcp://LOCALHOST:1", "ipc:///run/x"})
    CHECK_MESSAGE(check_loopback({near}), near);
  for (const char* far : {"tcp://128.0.0.1:1", "tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1",
                          "tcp://127.0.0.1.example.org:1", "tcp://localhost.example.org:1",
                          "tcp://127.0.0.1:0;10.0.0.1:1", "tcp://::1:1", "tcp://127.1:1", "", "x",
                          "tcp://", "pgm://127.0.0.1:1"})
    CHECK_MESSAGE(!check_loopback({"tcp://127.0.0.1:1", far}), far);
  CHECK(check_loopback({}));
}

// -- help -----------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(place,
                  "--help names every option with its default, variable and the files read") {
  auto done = std::get<exit_now>(server({"--help"}));
  CHECK(done.code == 0);
  CHECK(done.to_stdout);
  for (const char* each :
       {"Keeps the versions", "--listen", "tcp://127.0.0.1:4001", "DEPLOYMINATOR_LISTEN",
        "DEPLOYMINATOR_STORE_PASSWORD_FILE", "sqlite:/var/lib/deployminator/deployminator.sqlite",
        "/etc/deployminator/config.yaml", "--version"})
    CHECK_MESSAGE(done.text.find(each) != std::string::npos, each);
  auto of_agent = std::get<exit_now>(agent({"--help"}));
  CHECK(of_agent.text.find("/etc/cnw/autodeployer/config.yaml") != std::string::npos);
}

TEST_CASE_FIXTURE(place, "--version wins over whatever else is wrong") {
  variables = {{"AUTODEPLOYER_MEMORY", "x"}};
  auto done = std::get<exit_now>(agent({"--version"}));
  CHECK(done.code == 0);
  CHECK(done.to_stdout);
  CHECK(done.text == std::string{"autodeployer "} + DEPLOYMINATOR_VERSION + "\n");
}

} // namespace

} // namespace deployminator::configs
