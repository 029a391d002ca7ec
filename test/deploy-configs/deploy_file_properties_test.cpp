#include "test/deploy-configs/examples.hpp"

#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <map>
#include <rapidcheck.h>

namespace deployminator::configs {

namespace {

using messages::application;
using messages::duration;

std::string any_of_letters(const std::string& letters, int least, int most) {
  auto size = static_cast<std::size_t>(*rc::gen::inRange(least, most + 1));
  return *rc::gen::container<std::string>(size, rc::gen::elementOf(letters));
}

std::string any_name() {
  return any_of_letters("abcXYZ019_", 1, 1) + any_of_letters("abcXYZ019._-", 0, 62);
}

/// Text as hostile to YAML as it may be, without variables of ours.
std::string any_text() {
  static const std::vector<std::string> pieces{
    "a",  "0", " ", "#",    ":", "-",  "'", "\"", "\\",   "{",  "}",  "[",
    "]",  ",", "&", "*",    "!", "|",  ">", "%",  "@",    "`",  "?",  "\n",
    "\t", "ä", "€", "🙂", "~", "no", "=", "$",  "null", "<<", "\r", "\x1b"};
  std::string out;
  for (const auto& each : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces)))
    out += each;
  // A `$` and a `{` that meet would begin a variable, which has rules of its own.
  for (auto at = out.find("${"); at != std::string::npos; at = out.find("${"))
    out.erase(at, 1);
  return out;
}

/// Milliseconds that a duration can be written in.
duration any_duration(std::int64_t least, std::int64_t most) {
  return duration{*rc::gen::inRange(least, most + 1)};
}

template <class Element, class Make>
std::vector<Element> some(int most, Make make) {
  std::vector<Element> out(static_cast<std::size_t>(*rc::gen::inRange(0, most + 1)));
  for (auto& each : out)
    each = make();
  return out;
}

std::optional<std::uint64_t> any_limit(std::uint64_t above) {
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      return std::nullopt;
    case 1:
      return messages::unlimited;
    default:
      return *rc::gen::inRange(std::uint64_t{1}, above);
  }
}

void fill_rules(application& app) {
  app.rollout.parallel.percent = *rc::gen::arbitrary<bool>();
  app.rollout.parallel.value = *rc::gen::inRange(1U, app.rollout.parallel.percent ? 101U : 5000U);
  app.min_ready = any_duration(0, 100'000);
  app.rollout.deadline = app.min_ready + any_duration(1, 100'000);
  if (*rc::gen::arbitrary<bool>())
    app.rollout.fetch_deadline = any_duration(1, 100'000);
  app.restart.policy
    = *rc::gen::element(messages::restart_policy::always, messages::restart_policy::on_failure,
                        messages::restart_policy::never);
  app.restart.backoff_min = any_duration(1, 10'000);
  app.restart.backoff_max = app.restart.backoff_min + any_duration(0, 10'000);
  app.restart.give_up_count = *rc::gen::inRange(0U, 100U);
  if (app.restart.give_up_count > 0)
    app.restart.give_up_window = any_duration(1, 10'000'000);
  app.stop.signal = *rc::gen::inRange(1, 32);
  app.stop.timeout = any_duration(0, 100'000);
  app.stop.to = *rc::gen::element(messages::stop_target::main, messages::stop_target::all);
}

void fill_health(application& app) {
  auto& health = app.health;
  if (!app.always_on)
    return;
  health.kind = static_cast<messages::health_kind>(*rc::gen::inRange(0, 5));
  if (health.kind == messages::health_kind::none)
    return;
  health.start_within = app.rollout.deadline;
  if (health.kind == messages::health_kind::notify) {
    if (*rc::gen::arbitrary<bool>())
      health.watchdog = any_duration(100, 100'000);
    return;
  }
  health.interval = any_duration(100, 100'000);
  health.timeout = any_duration(100, 100'000);
  health.failures = *rc::gen::inRange(1U, 101U);
  if (health.kind == messages::health_kind::http)
    health.path = "/" + any_of_letters("abc?=:'/", 0, 9);
  if (health.kind == messages::health_kind::exec)
    health.exec = {"check", any_of_letters("-ab #:'", 0, 5)};
  else
    health.port = *rc::gen::inRange(1U, 101U);
}

application any_application(int number) {
  application app;
  app.name = any_name().substr(0, 50) + std::to_string(number);
  app.binary = any_of_letters("abc/", 0, 5) + "bin-äß";
  while (app.binary.front() == '/')
    app.binary.erase(0, 1);
  app.repository = any_of_letters("abc /:0", 0, 9);
  app.artifact_id = any_of_letters("abc /:0", 0, 9);
  app.download_url = *rc::gen::elementOf(std::vector<std::string>{
    "", "/srv/a b#c", "https://x.example/${BUILDID}/d.tar", "http://[::1]:8080/x?y=z"});
  if (*rc::gen::arbitrary<bool>()) {
    // What is no archive is run under its own name.
    static const std::map<std::string, std::string> names{{"/srv/a b#c", "a b#c"},
                                                          {"http://[::1]:8080/x?y=z", "x"}};
    auto name = names.find(app.download_url);
    app.binary = name == names.end() ? "" : name->second;
    app.interpreter = {*rc::gen::element<std::string>("java", "/opt/node-20/bin/node"),
                       any_of_letters("-ab #:'", 0, 5)};
  }
  app.download_user = any_of_letters("abc #:'\"", 0, 9);
  app.download_password = any_of_letters("abc #:'\"", 0, 9);
  app.args = some<std::string>(4, [] { return any_text(); });
  if (*rc::gen::arbitrary<bool>())
    app.args.push_back("-p=${PORT" + std::to_string(*rc::gen::inRange(1, 101)) + "}");
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    app.env["K" + std::to_string(i) + any_of_letters("aA_9", 0, 3)] = any_text();
  app.per_machine = *rc::gen::arbitrary<bool>();
  app.max_per_machine = *rc::gen::inRange(0U, 5U);
  app.strategy = *rc::gen::element<std::string>("spread", "one-per-machine", "pack", "pinned");
  bool one = app.strategy == "one-per-machine" && !app.per_machine;
  app.instances = *rc::gen::inRange(0U, one ? 2U : 100'001U);
  app.machine_groups = {any_name() + "", "x" + any_name().substr(0, 60)};
  if (app.machine_groups[0] == app.machine_groups[1])
    app.machine_groups.pop_back();
  app.always_on = *rc::gen::arbitrary<bool>();
  app.rerun = !app.always_on && *rc::gen::arbitrary<bool>();
  app.critical = app.always_on && *rc::gen::arbitrary<bool>();
  app.discard_log = *rc::gen::arbitrary<bool>();
  app.limits.max_memory_mb = *rc::gen::inRange(1U, 100'000'001U);
  app.limits.priority = *rc::gen::inRange(-20, 20);
  app.limits.max_kill_memory_mb = any_limit(100'000'001U);
  app.limits.max_swap_memory_mb = any_limit(100'000'001U);
  app.limits.cpu_percent = any_limit(100'001U);
  app.limits.processes = any_limit(4'194'305U);
  app.limits.open_files = any_limit(1'073'741'817U);
  app.limits.core_size_mb = any_limit(100'000'001U);
  fill_rules(app);
  fill_health(app);
  app.services = some<messages::service>(3, [] {
    return messages::service{any_of_letters("ab.C:'# ", 0, 9) + "x", *rc::gen::inRange(1U, 101U),
                             some<std::string>(3, [] { return any_of_letters("abc", 1, 4); })};
  });
  app.sha256 = *rc::gen::arbitrary<bool>() ? any_of_letters("0123456789abcdef", 64, 64) : "";
  return app;
}

// -- writing --------------------------------------------------------------------------------------

/// A key in whatever case.
std::string written_key(std::string key) {
  if (*rc::gen::arbitrary<bool>())
    std::transform(key.begin(), key.end(), key.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
  return key;
}

std::string written(duration d) {
  auto ms = d.count();
  return ms % 60'000 == 0  ? std::to_string(ms / 60'000) + "m"
         : ms % 1'000 == 0 ? std::to_string(ms / 1'000) + "s"
                           : std::to_string(ms) + "ms";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& each : words)
    out += (out.empty() ? "" : ", ") + each;
  return out;
}

template <class Value>
void put(YAML::Emitter& out, const std::string& key, const Value& value) {
  out << YAML::Key << written_key(key) << YAML::Value << value;
}

void put_text(YAML::Emitter& out, const std::string& key, const std::string& value) {
  out << YAML::Key << written_key(key) << YAML::Value << YAML::DoubleQuoted << value;
}

void put_limit(YAML::Emitter& out, const std::string& key,
               const std::optional<std::uint64_t>& limit, const std::string& unit = "") {
  if (limit)
    put(out, key, limit == messages::unlimited ? "unlimited" : std::to_string(*limit) + unit);
}

void write_rules(YAML::Emitter& out, const application& app) {
  out << YAML::Key << "limits" << YAML::Value << YAML::BeginMap;
  put(out, "maxmemory", app.limits.max_memory_mb);
  put(out, "priority", app.limits.priority);
  put_limit(out, "maxkillmemory", app.limits.max_kill_memory_mb);
  put_limit(out, "maxswapmemory", app.limits.max_swap_memory_mb);
  put_limit(out, "cpu", app.limits.cpu_percent, "%");
  put_limit(out, "processes", app.limits.processes);
  put_limit(out, "openfiles", app.limits.open_files);
  put_limit(out, "coresize", app.limits.core_size_mb);
  out << YAML::EndMap << YAML::Key << "rollout" << YAML::Value << YAML::BeginMap;
  const auto& parallel = app.rollout.parallel;
  put(out, "parallel", std::to_string(parallel.value) + (parallel.percent ? "%" : ""));
  put(out, "min_ready", written(app.min_ready));
  put(out, "deadline", written(app.rollout.deadline));
  const auto& fetch = app.rollout.fetch_deadline;
  put(out, "fetch_deadline", fetch ? written(*fetch) : "none");
  out << YAML::EndMap << YAML::Key << "restart" << YAML::Value << YAML::BeginMap;
  const auto& restart = app.restart;
  put(out, "policy", std::string{messages::to_text(restart.policy)});
  put(out, "backoff", written(restart.backoff_min) + ".." + written(restart.backoff_max));
  put(out, "give_up_after",
      restart.give_up_count == 0
        ? "never"
        : std::to_string(restart.give_up_count) + " in " + written(restart.give_up_window));
  out << YAML::EndMap << YAML::Key << "stop" << YAML::Value << YAML::BeginMap;
  put(out, "signal", app.stop.signal);
  put(out, "timeout", written(app.stop.timeout));
  put(out, "to", std::string{messages::to_text(app.stop.to)});
  out << YAML::EndMap;
}

void write_health(YAML::Emitter& out, const messages::health_rules& health) {
  if (health.kind == messages::health_kind::none)
    return;
  out << YAML::Key << written_key("health") << YAML::Value << YAML::BeginMap;
  if (health.kind == messages::health_kind::http) {
    put_text(out, "http", health.path);
    put(out, "port", health.port);
  } else if (health.kind == messages::health_kind::tcp) {
    put(out, "tcp", health.port);
  } else if (health.kind == messages::health_kind::notify) {
    put(out, "notify", "true");
    if (health.watchdog.count() > 0)
      put(out, "watchdog", written(health.watchdog));
  } else {
    out << YAML::Key << written_key("exec") << YAML::Value << YAML::BeginSeq;
    for (const auto& each : health.exec)
      out << YAML::DoubleQuoted << each;
    out << YAML::EndSeq;
  }
  if (health.kind != messages::health_kind::notify) {
    put(out, "interval", written(health.interval));
    put(out, "timeout", written(health.timeout));
    put(out, "failures", health.failures);
  }
  out << YAML::EndMap;
}

void write_services(YAML::Emitter& out, const application& app) {
  out << YAML::Key << written_key("autoregs") << YAML::Value << YAML::BeginSeq;
  for (const auto& each : app.services) {
    out << YAML::BeginMap;
    put(out, "portdef", "${PORT" + std::to_string(each.port_index) + "}");
    put_text(out, "servicename", each.name);
    put(out, "apitypes", joined(each.types));
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void write(YAML::Emitter& out, const application& app) {
  out << YAML::BeginMap;
  put(out, "name", app.name);
  put_text(out, "repository", app.repository);
  put_text(out, "artefactid", app.artifact_id);
  put_text(out, "downloadurl", app.download_url);
  put_text(out, "downloaduser", app.download_user);
  put_text(out, "downloadpassword", app.download_password);
  if (!app.download_token.empty())
    put_text(out, "downloadtoken", app.download_token);
  put_text(out, "binary", app.binary);
  out << YAML::Key << "interpreter" << YAML::Value << YAML::BeginSeq;
  for (const auto& each : app.interpreter)
    out << YAML::DoubleQuoted << each;
  out << YAML::EndSeq;
  out << YAML::Key << "args" << YAML::Value << YAML::BeginSeq;
  for (const auto& each : app.args)
    out << YAML::DoubleQuoted << each;
  out << YAML::EndSeq << YAML::Key << "env" << YAML::Value << YAML::BeginMap;
  for (const auto& [key, value] : app.env)
    out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  out << YAML::EndMap;
  put(out, "instances", app.instances);
  put(out, "instancesmeansperautodeployer", app.per_machine);
  if (app.max_per_machine > 0)
    put(out, "max_per_machine", app.max_per_machine);
  put(out, "machines", joined(app.machine_groups));
  put(out, "strategy", app.strategy);
  put(out, "alwayson", app.always_on);
  put(out, "rerun", app.rerun);
  put(out, "critical", app.critical);
  put(out, "discardlog", app.discard_log);
  if (!app.sha256.empty())
    put_text(out, "sha256", app.sha256);
  write_rules(out, app);
  write_health(out, app.health);
  write_services(out, app);
  out << YAML::EndMap;
}

std::string write(const std::vector<group_definition>& groups) {
  YAML::Emitter out;
  if (*rc::gen::arbitrary<bool>())
    out.SetMapFormat(YAML::Flow);
  out << YAML::BeginMap << YAML::Key << "groups" << YAML::Value << YAML::BeginSeq;
  for (const auto& group : groups) {
    out << YAML::BeginMap;
    put(out, *rc::gen::element<std::string>("groupid", "groupname"), group.name);
    put(out, "namespace", group.namespace_);
    out << YAML::Key << "applications" << YAML::Value << YAML::BeginSeq;
    for (const auto& app : group.applications)
      write(out, app);
    out << YAML::EndSeq << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
  RC_ASSERT(out.good());
  return out.c_str();
}

TEST_CASE("a valid definition written as YAML reads back equal") {
  CHECK(rc::check([] {
    std::vector<group_definition> groups;
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      group_definition group{any_name(), any_name().substr(0, 60) + std::to_string(i), {}};
      for (int j = *rc::gen::inRange(1, 4); j > 0; --j)
        group.applications.push_back(any_application(j));
      groups.push_back(std::move(group));
    }
    auto text = write(groups);
    RC_LOG(text);
    auto result = read_deploy_file(text);
    if (auto* mistakes = std::get_if<std::vector<mistake>>(&result))
      RC_FAIL(to_lines(*mistakes));
    const auto& read = std::get<deploy_file>(result).groups;
    RC_ASSERT(read.size() == groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      RC_ASSERT(read[i].namespace_ == groups[i].namespace_);
      RC_ASSERT(read[i].name == groups[i].name);
      RC_ASSERT(read[i].applications == groups[i].applications);
    }
  }));
}

// -- damage ---------------------------------------------------------------------------------------

/// Reads a damaged text: there is a result, its mistakes say something, and their places exist.
void check_survives(const std::string& text) {
  auto result = read_deploy_file(text);
  auto* mistakes = std::get_if<std::vector<mistake>>(&result);
  if (mistakes == nullptr)
    return;
  RC_ASSERT(!mistakes->empty());
  auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2;
  for (const auto& each : *mistakes) {
    RC_ASSERT(!each.message.empty());
    RC_ASSERT(each.line >= 1 && each.line <= lines && each.column >= 1);
  }
}

const std::vector<std::string> example_names{"spread.yaml", "one-per-machine.yaml", "pack.yaml",
                                             "seed.yaml"};

TEST_CASE("no mutation of an example's bytes makes the reader throw") {
  static const std::string nasty = "{}[]:,-?&*!|>'\"%@`#\n\t \r\\~<.0x\xff\xc3\x80";
  CHECK(rc::check([] {
    auto text = example(*rc::gen::elementOf(example_names));
    for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
      auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          text[at] = *rc::gen::elementOf(nasty);
          break;
        case 1:
          text[at] = static_cast<char>(*rc::gen::inRange(0, 256));
          break;
        case 2:
          text.insert(at, 1, *rc::gen::elementOf(nasty));
          break;
        case 3:
          text.erase(at, *rc::gen::inRange<std::size_t>(1, 20));
          break;
        default:
          text.insert(at, text.substr(*rc::gen::inRange<std::size_t>(0, text.size()), 30));
      }
      if (text.empty())
        return;
    }
    check_survives(text);
  }));
}

TEST_CASE("an example that breaks off anywhere is read or refused") {
  for (const auto& name : example_names) {
    auto text = example(name);
    for (std::size_t size = 0; size < text.size(); ++size) {
      auto result = read_deploy_file(text.substr(0, size));
      if (auto* mistakes = std::get_if<std::vector<mistake>>(&result))
        CHECK_FALSE(mistakes->empty());
    }
  }
}

TEST_CASE("YAML's own letters in any order are read or refused") {
  static const std::vector<std::string> pieces{
    "groups", "applications", "env",  ": ", "- ", "\n",   "  ", "{",  "}", "[", "]",  ",", "&a ",
    "*a",     "<<",           "!t ",  "|",  ">",  "'",    "\"", "?",  "#", "%", "--", "-", "...",
    "\t",     "\\",           "args", "~",  "a",  "\r\n", "!",  "!<", "@", "*", "&"};
  CHECK(rc::check([] {
    std::string text;
    for (const auto& each :
         *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces)))
      text += each;
    check_survives(text);
  }));
}

} // namespace

} // namespace deployminator::configs
