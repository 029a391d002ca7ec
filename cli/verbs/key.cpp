#include "cli/arguments.hpp"
#include "cli/order.hpp"
#include "cli/sentence.hpp"
#include "cli/table.hpp"
#include "cli/tables.hpp"
#include "cli/verbs/verbs.hpp"
#include "deploy-configs/key_file.hpp"
#include "messages/bus/curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

namespace deployminator::cli::verbs {

namespace {

using namespace messages;

constexpr const char* machine_key_path = "/etc/cnw/autodeployer/machine.key";

/// What `deploy key new` is told.
struct wanted_key {
  key_grant grant;
  /// Empty: NAME.key in the working directory.
  std::string output;

  [[nodiscard]] std::string path() const {
    return output.empty() ? grant.name + ".key" : output;
  }
};

/// The keys' own file is written first: a key that the server knows and nobody has would be worse
/// than a file that the server does not know.
exit_code make_key(context& c, wanted_key wanted) {
  auto access = c.access();
  if (!access.key)
    throw setback{exit_code::usage,
                  {failure_code::invalid, "a server without keys (--keys none) lets everybody in",
                   "see README.md for how to set up keys"}};
  auto pair = bus::new_key_pair();
  wanted.grant.public_key = pair.public_key;
  client server{access, c.stop};
  server.connect();
  // What the server said of its own keys is good for the new file as well.
  const auto& own = server.key_file();
  configs::key_file file{wanted.grant.name, wanted.grant.role, own.servers,         own.server_key,
                         pair.public_key,   pair.secret_key,   own.next_server_key, own.store};
  if (auto written = configs::write_key_file(wanted.path(), file); !written)
    throw setback{exit_code::failed, written.error()};
  try {
    server.ask<accepted>(add_key{new_random_id(), wanted.grant});
  } catch (const setback& e) {
    // Unanswered, the server may know it all the same.
    if (e.exit == exit_code::failed)
      ::unlink(wanted.path().c_str());
    throw;
  }
  go_on_without_output();
  if (c.json) {
    print(indented({{"name", wanted.grant.name}, {"file", wanted.path()}}));
    return exit_code::done;
  }
  print(fmt::format("{} is good as {}; its key file is {}\n", wanted.grant.name, wanted.grant.role,
                    printable(wanted.path())));
  if (wanted.grant.role == key_role::agent)
    remark(fmt::format("On {0}, with the package autodeployer and this file copied there:\n"
                       "  install -m 600 {0}.key {1} && systemctl enable --now autodeployer",
                       wanted.grant.name, machine_key_path));
  else
    remark("Whoever gets it puts it to ~/.config/deploy/deploy.key, with mode 600.");
  return exit_code::done;
}

std::vector<span> row(const key_row& k) {
  auto now = system_utc_now();
  auto age = [&](const std::optional<timestamp>& t) {
    return t ? age_text(*t, now) + " ago" : std::string{};
  };
  auto limits = k.role == key_role::agent ? k.groups : k.namespaces;
  return {{printable(k.name), tone::strong},
          {std::string{to_text(k.role)}},
          {printable(fmt::format("{}", fmt::join(limits, ",")))},
          {age(k.created_at)},
          {printable(k.created_by)},
          {age(k.last_seen)},
          {k.revoked_at ? "revoked " + age(k.revoked_at) : "good",
           k.revoked_at ? tone::dim : tone::good}};
}

/// While the server's key is being rotated.
span next_key_cell(const key_row& k) {
  if (!k.knows_next_server_key)
    return {""};
  return {*k.knows_next_server_key ? "known" : "not known",
          *k.knows_next_server_key ? tone::good : tone::bad};
}

std::vector<column> key_columns() {
  return {{.heading = "KEY", .shortens = 2, .least = 12},
          {.heading = "ROLE"},
          {.heading = "FOR", .drops = 4, .shortens = 1, .least = 8, .loses = text_end::end},
          {.heading = "MADE", .drops = 2},
          {.heading = "BY", .drops = 1},
          {.heading = "LAST SEEN", .drops = 3},
          {.heading = "STATE"}};
}

exit_code list_keys(context& c, bool wide) {
  client server{c.access(), c.stop};
  server.connect();
  auto keys = ask_table(server, query_subject::keys).keys;
  if (c.json) {
    print(indented(to_json(keys)));
    return exit_code::done;
  }
  auto columns = key_columns();
  bool is_rotating = std::ranges::any_of(
    keys, [](const key_row& k) { return k.knows_next_server_key.has_value(); });
  if (is_rotating)
    columns.push_back({.heading = "SERVER'S NEXT KEY"});
  std::vector<std::vector<span>> rows;
  for (const auto& each : keys) {
    rows.push_back(row(each));
    if (is_rotating)
      rows.back().push_back(next_key_cell(each));
  }
  if (rows.empty())
    remark("There are no keys: the server asks for none.");
  else
    print(table_text(columns, rows, c.page(wide)));
  return exit_code::done;
}

exit_code revoke(context& c, const std::string& name) {
  client server{c.access(), c.stop};
  server.connect();
  server.ask<accepted>(revoke_key{new_random_id(), name});
  go_on_without_output();
  if (c.json)
    print(indented({{"name", name}}));
  else
    print(fmt::format("{} is revoked; whoever was connected with it is no more\n", name));
  return exit_code::done;
}

class key_verb : public command {
public:
  std::string name() const override {
    return "key";
  }
  std::string summary() const override {
    return "Keys: who may do what; makes, lists and revokes them";
  }
  std::string details() const override {
    return "The secret of a new key stays in the file that is written here; the server learns the\n"
           "public half. A revoked key is cut off at once.\n\n"
           "Example: deploy key new web1 --role agent --groups worker\n\n"
           "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the server cannot be reached or "
           "refused\nthe key.";
  }

  void declare(CLI::App& verb) override {
    verb.require_subcommand(1, 1);
    new_ = verb.add_subcommand("new", "Make a key and write its key file");
    new_->add_option("NAME", wanted_.grant.name, "Of the person, program or machine")->required();
    new_
      ->add_option_function<std::string>(
        "--role",
        [this](const std::string& text) { wanted_.grant.role = *from_text<key_role>(text); },
        "What its holder may do")
      ->required()
      ->type_name("operator|builder|viewer|agent")
      ->check([](const std::string& text) {
        return from_text<key_role>(text) ? std::string{}
                                         : "\"" + printable(text)
                                             + "\" is no role; expected operator, builder, "
                                               "viewer or agent";
      });
    new_
      ->add_option("--namespaces", wanted_.grant.namespaces,
                   "What a builder or viewer is limited to; all where it is left out")
      ->delimiter(',')
      ->type_name("A,B");
    new_
      ->add_option("--groups", wanted_.grant.groups,
                   "An agent's machine groups, which its machine cannot change")
      ->delimiter(',')
      ->type_name("A,B");
    new_->add_option("--output", wanted_.output, "Write the key file here, not to NAME.key")
      ->type_name("FILE");
    list_ = verb.add_subcommand("list", "Show the keys that the server knows");
    add_wide_option(*list_, wide_);
    revoke_ = verb.add_subcommand("revoke", "Let the holder of a key in no more");
    revoke_->add_option("NAME", revoked_, "Of the key")->required();
  }

  exit_code run(context& c) override {
    if (new_->parsed())
      return make_key(c, wanted_);
    return revoke_->parsed() ? revoke(c, revoked_) : list_keys(c, wide_);
  }

private:
  CLI::App* new_ = nullptr;
  CLI::App* list_ = nullptr;
  CLI::App* revoke_ = nullptr;
  wanted_key wanted_;
  std::string revoked_;
  bool wide_ = false;
};

} // namespace

std::unique_ptr<command> key() {
  return std::make_unique<key_verb>();
}

} // namespace deployminator::cli::verbs
