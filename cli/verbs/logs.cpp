#include "cli/arguments.hpp"
#include "cli/group_name.hpp"
#include "cli/log_writer.hpp"
#include "cli/tables.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"
#include "cli/verbs/verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace deployminator::cli::verbs {

namespace {

using namespace std::chrono_literals;

/// What the server names instances with; anything else would only be echoed.
bool is_instance_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

constexpr auto between_reads = 300ms;
/// With -f, a group's instances are looked up anew so often.
constexpr auto between_lookups = 2s;

class logs_verb : public command {
public:
  std::string name() const override {
    return "logs";
  }
  std::string summary() const override {
    return "Output of one instance, or of all instances of a group";
  }
  std::string details() const override {
    return "The lines that the programs printed, of a group each after its instance's id; control\n"
           "characters are made visible. The log of an instance that is gone stays on its machine\n"
           "for a week (log-days, log-total in the agent's configuration). -f of one instance "
           "ends\n"
           "when the instance is gone, and says why on stderr.\n"
           "With --json objects {type: \"log\", time, id, stream, text} for each line, `stream`\n"
           "being out, err, or sys for what the log itself tells: an array, with -f one a line,\n"
           "and {type: \"log.end\", time, id, reason} for an instance that is gone.\n\n"
           "Example: deploy logs shop/web -f -n 20\n"
           "         deploy logs web-8x1k2f3a --since 10m --time\n\n"
           "Exit codes: 0 shown, or followed to the end or Ctrl-C, 1 no such instance or group, "
           "or\n"
           "its machine is out of reach, 2 wrong usage, 3 the server cannot be reached.";
  }
  void declare(CLI::App& verb) override {
    verb
      .add_option("TARGET", target_, "An instance's id as `deploy instances` shows it, or a group")
      ->required()
      ->type_name("INSTANCE|NAMESPACE/GROUP")
      ->check([](const std::string& text) {
        bool fits = is_instance_id(text) || group_from_text(text);
        return fits ? std::string{}
                    : "\"" + printable(text) + "\" is neither an instance's id nor NAMESPACE/GROUP";
      });
    verb.add_flag("-f,--follow", follow_,
                  "Go on with what is written from now on, until the instance is gone or Ctrl-C");
    lines_option_ = add_number(verb, "-n,--lines", lines_,
                               "How many of the last lines to begin with; 100 if not given, with "
                               "--since all of that time");
    lines_option_->type_name("N");
    verb
      .add_option_function<std::string>(
        "--since",
        [this](const std::string& text) {
          since_ = *time_from_text(text, messages::system_utc_now());
        },
        "Begin with the lines of this time: 2026-01-31T09:30:00Z, or as --time shows it here, or "
        "how long ago: 10m")
      ->type_name("TIME")
      ->check([](const std::string& text) {
        return time_from_text(text, messages::system_utc_now())
                 ? std::string{}
                 : "\"" + printable(text)
                     + "\" is no time; expected one such as 2026-01-31T09:30:00Z (UTC), or how "
                       "long ago: 10m";
      });
    verb.add_flag("--all", all_, "Of a group: also the instances that are gone");
    verb.add_flag("--time", time_, "Each line begins with its time and out or err");
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    of_ = group_from_text(target_);
    zone_ = c.zone;
    log_writer out{form(c), {time_, of_.has_value(), zone_}, print};
    begin(server);
    read_all(server, out);
    if (follow_)
      go_on(server, out);
    out.finish(messages::system_utc_now());
    return refused_ && !follow_ ? exit_code::failed : exit_code::done;
  }

private:
  struct source {
    /// Where to read on; unset: at the beginning that was asked for.
    std::optional<std::uint64_t> offset;
    /// Empty until it is known.
    std::string machine;
    /// Why it could not be read when it was tried last.
    std::string trouble;
    /// It is gone, and everything of it was read.
    std::optional<messages::kept_log> gone;
  };

  log_form form(const context& c) const {
    if (c.json)
      return follow_ ? log_form::json_lines : log_form::json_document;
    return log_form::lines;
  }

  void begin(client& server) {
    if (!of_) {
      sources_[target_] = {};
      return;
    }
    if (all_)
      add_gone(server);
    look_up(server, false);
    if (sources_.empty())
      remark(all_ ? "No instances, and no logs of any that are gone."
                  : "No instances. With --all those that are gone are looked for.");
  }

  /// Adds the group's instances of which nothing but the log is left.
  void add_gone(client& server) {
    auto found
      = server.ask<messages::found_logs>(messages::find_logs{{}, of_->namespace_, of_->group});
    for (const auto& each : found.logs)
      sources_[each.instance] = {.machine = each.machine};
    if (!found.silent.empty())
      remark("deploy: these machines could not be asked for logs: " + names_of(found.silent));
    if (found.more)
      remark("deploy: there are more logs than can be listed; these are the newest");
  }

  /// Begins to read the group's instances; those that are new while we follow from their start.
  void look_up(client& server, bool is_new) {
    for (const auto& each : ask_table(server, messages::query_subject::instances, *of_).instances)
      sources_.try_emplace(each.id,
                           source{.offset = is_new ? std::optional{std::uint64_t{0}} : std::nullopt,
                                  .machine = each.machine});
  }

  static std::string names_of(const std::vector<std::string>& machines) {
    constexpr std::size_t most = 5;
    auto shown = std::min(machines.size(), most);
    auto out
      = fmt::format("{}", fmt::join(machines.begin(),
                                    machines.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (machines.size() > most)
      out += fmt::format(" and {} more", machines.size() - most);
    return printable(out);
  }

  void read_all(client& server, log_writer& out) {
    for (auto& [id, from] : sources_) {
      if (from.gone)
        continue;
      try {
        read(server, id, from, out);
        from.trouble.clear();
      } catch (const setback& e) {
        if (is_forgotten(from, e)) {
          end(id, from, {.gone_at = messages::system_utc_now()}, out);
          continue;
        }
        bool goes_on = e.exit == exit_code::failed && (of_ || follow_) && !from_nowhere(from);
        if (!goes_on)
          throw;
        refused_ = true;
        if (from.trouble != e.why.message)
          remark("deploy: " + printable(id) + ": " + printable(e.why.message));
        from.trouble = e.why.message;
      }
    }
  }

  /// It was there, and not even its machine knows anything of it now.
  bool is_forgotten(const source& from, const setback& e) const {
    return follow_ && !from.machine.empty() && e.why.code == messages::failure_code::not_found;
  }

  /// The one instance that was asked for is not known.
  bool from_nowhere(const source& from) const {
    return !of_ && from.machine.empty();
  }

  /// Reads on to where the log ends now: a program may print faster than anybody reads.
  void read(client& server, const std::string& id, source& from, log_writer& out) {
    std::optional<std::uint64_t> end_now;
    bool goes_on = true;
    while (goes_on && !server.is_interrupted()) {
      auto piece = ask(server, id, from);
      from.offset = piece.offset + piece.data.size();
      from.machine = piece.machine.empty() ? from.machine : piece.machine;
      bool is_read = !piece.more || piece.data.empty();
      if (piece.end > 0 && !end_now)
        end_now = piece.end;
      goes_on = !is_read && (!end_now || *from.offset < *end_now);
      out.take(id, {piece.data.data(), piece.data.size()}, messages::system_utc_now());
      if (is_read && piece.gone)
        end(id, from, std::move(*piece.gone), out);
    }
  }

  messages::log_chunk ask(client& server, const std::string& id, source& from) const {
    messages::read_log wanted{id, from.offset, first_lines(), since_, from.machine};
    try {
      return server.ask<messages::log_chunk>(wanted);
    } catch (const setback& e) {
      if (e.why.code != messages::failure_code::not_found || !from.machine.empty())
        throw;
      from.machine = machine_of(server, id, e);
    }
    wanted.machine = from.machine;
    return server.ask<messages::log_chunk>(wanted);
  }

  /// Where the log of an instance is that the server does not know any more.
  static std::string machine_of(client& server, const std::string& id, const setback& unknown) {
    auto found = server.ask<messages::found_logs>(messages::find_logs{id, {}, {}});
    if (!found.logs.empty())
      return found.logs.front().machine;
    auto why = unknown.why;
    if (!found.silent.empty())
      why.hint = "these machines could not be asked for its log: " + names_of(found.silent);
    throw setback{unknown.exit, why};
  }

  /// 0: all since the time that was given.
  std::uint32_t first_lines() const {
    if (since_ && lines_option_->count() == 0)
      return 0;
    return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(lines_, std::numeric_limits<std::uint32_t>::max()));
  }

  void end(const std::string& id, source& from, messages::kept_log last, log_writer& out) const {
    from.gone = std::move(last);
    if (!follow_)
      return;
    out.end(id, from.gone->gone_at, from.gone->reason);
    remark(fmt::format("deploy: {} is gone{}{} ({})", printable(id),
                       from.gone->reason.empty() ? "" : ": ", printable(from.gone->reason),
                       clock_text(from.gone->gone_at, zone_)));
  }

  void go_on(client& server, log_writer& out) {
    auto look_up_at = client::clock::now() + between_lookups;
    bool lost = false;
    while (!server.is_interrupted() && (of_ || !sources_.at(target_).gone)) {
      server.rest(client::clock::now() + between_reads);
      try {
        if (of_ && client::clock::now() >= look_up_at) {
          look_up(server, true);
          look_up_at = client::clock::now() + between_lookups;
        }
        read_all(server, out);
        lost = false;
      } catch (const setback& e) {
        if (server.is_interrupted())
          return;
        if (e.exit != exit_code::unreachable)
          throw;
        if (!std::exchange(lost, true))
          remark("server lost, reconnecting…");
      }
    }
  }

  std::string target_;
  std::optional<group_name> of_;
  bool follow_ = false;
  bool all_ = false;
  bool time_ = false;
  time_zone zone_ = time_zone::local;
  CLI::Option* lines_option_ = nullptr;
  std::uint64_t lines_ = 100;
  messages::timestamp since_;
  std::map<std::string, source> sources_;
  bool refused_ = false;
};

} // namespace

std::unique_ptr<command> logs() {
  return std::make_unique<logs_verb>();
}

} // namespace deployminator::cli::verbs
