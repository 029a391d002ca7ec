#include "cli/arguments.hpp"
#include "cli/group_name.hpp"
#include "cli/log_writer.hpp"
#include "cli/tables.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs/verbs.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <unistd.h>
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
constexpr auto all_lines = std::numeric_limits<std::uint32_t>::max();
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
    return "Of one instance the bytes as they were written (on a terminal control characters are\n"
           "made visible), of a group lines that begin with the instance's id. With --json "
           "objects\n"
           "{type: \"log\", time, id, text} for each line, time being when it was read: an array,\n"
           "with -f one a line.\n\n"
           "Example: deploy logs shop/web -f -n 20\n\n"
           "Exit codes: 0 shown, or ended by Ctrl-C, 1 no such instance or group, or its machine\n"
           "is out of reach, 2 wrong usage, 3 the server cannot be reached.";
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
    verb.add_flag("-f,--follow", follow_, "Go on with what is written from now on, until Ctrl-C");
    add_number(verb, "-n,--lines", lines_,
               "How many of the last lines to begin with; 100 if not given")
      ->type_name("N");
  }

  exit_code run(context& c) override {
    client server{c.access(), c.stop};
    server.connect();
    of_ = group_from_text(target_);
    log_writer out{form(c), print};
    auto first_lines = static_cast<std::uint32_t>(std::min<std::uint64_t>(lines_, all_lines));
    if (of_)
      look_up(server, first_lines);
    else
      sources_[target_] = {.first_lines = first_lines};
    if (of_ && sources_.empty())
      remark("No instances.");
    read_all(server, out);
    if (follow_)
      go_on(server, out);
    out.finish(messages::system_utc_now());
    return refused_ && !follow_ ? exit_code::failed : exit_code::done;
  }

private:
  struct source {
    /// Where to read on; unset: at the last `first_lines` lines.
    std::optional<std::uint64_t> offset;
    std::uint32_t first_lines = 0;
    /// Why it could not be read when it was tried last.
    std::string trouble;
  };

  log_form form(const context& c) const {
    if (c.json)
      return follow_ ? log_form::json_lines : log_form::json_document;
    if (of_)
      return log_form::prefixed_lines;
    return isatty(STDOUT_FILENO) != 0 ? log_form::lines : log_form::raw;
  }

  /// Begins to read the group's new instances, and forgets those that are gone.
  void look_up(client& server, std::uint32_t first_lines) {
    std::map<std::string, source> present;
    for (const auto& each : ask_table(server, messages::query_subject::instances, *of_).instances) {
      auto found = sources_.find(each.id);
      present[each.id]
        = found == sources_.end() ? source{.first_lines = first_lines} : found->second;
    }
    sources_ = std::move(present);
  }

  void read_all(client& server, log_writer& out) {
    for (auto& [id, from] : sources_) {
      try {
        read(server, id, from, out);
        from.trouble.clear();
      } catch (const setback& e) {
        bool goes_on = e.exit == exit_code::failed && (of_ || follow_);
        if (!goes_on)
          throw;
        refused_ = true;
        if (from.trouble != e.why.message)
          remark("deploy: " + printable(id) + ": " + printable(e.why.message));
        from.trouble = e.why.message;
      }
    }
  }

  static void read(client& server, const std::string& id, source& from, log_writer& out) {
    bool more = true;
    while (more && !server.is_interrupted()) {
      auto piece
        = server.ask<messages::log_chunk>(messages::read_log{id, from.offset, from.first_lines});
      from.offset = piece.offset + piece.data.size();
      more = piece.more && !piece.data.empty();
      out.take(id, {piece.data.data(), piece.data.size()}, messages::system_utc_now());
    }
  }

  void go_on(client& server, log_writer& out) {
    auto look_up_at = client::clock::now() + between_lookups;
    bool lost = false;
    while (!server.is_interrupted()) {
      server.rest(client::clock::now() + between_reads);
      try {
        if (of_ && client::clock::now() >= look_up_at) {
          look_up(server, all_lines);
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
  std::uint64_t lines_ = 100;
  std::map<std::string, source> sources_;
  bool refused_ = false;
};

} // namespace

std::unique_ptr<command> logs() {
  return std::make_unique<logs_verb>();
}

} // namespace deployminator::cli::verbs
