#include "agent/linux/machine_stop.hpp"

#include "agent/linux/journal_directory.hpp"
#include "agent/linux/starter_link.hpp"
#include "agent/linux/starter_search.hpp"

#include <fmt/format.h>

#include <csignal>
#include <fcntl.h>
#include <list>
#include <map>
#include <thread>
#include <unistd.h>
#include <utility>

namespace deployminator::agent {

using messages::failure;
using messages::result;
using messages::stop_rules;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// How often the starters' states are looked at.
constexpr milliseconds look_every{20};
/// One whose state was lost has written it again by then.
constexpr milliseconds patience_with_writing{20};
/// What is killed is gone by then, or the kernel cannot end it.
constexpr std::chrono::seconds kernel_timeout{10};

std::string mark_of(const std::string& directory) {
  return directory + "/stopped-with-machine";
}

std::map<std::string, stop_rules> rules_by_id(const directories& where,
                                              const std::function<void(const failure&)>& warn) {
  std::map<std::string, stop_rules> out;
  journal_directory journal{where.journal(), [&](const std::string& damage) {
                              warn({messages::failure_code::internal, damage, {}});
                            }};
  auto record = journal.load_agent();
  if (!record) {
    warn(record.error());
    return out;
  }
  for (const auto* specs : {&record->specs, &record->leaving})
    for (const auto& spec : *specs)
      out[spec.id] = spec.app.stop;
  return out;
}

/// One instance on its way to its end:
///
///   signal it ── ended, too slow ──► end its starter ──► over
class ending {
public:
  ending(std::string id, std::string directory, child_process starter, const stop_rules& rules)
    : directory_(std::move(directory)), starter_(std::move(starter)), rules_(rules) {
    out_.id = std::move(id);
  }

  /// Does what is next; true: nothing more follows.
  bool advance(steady_clock::time_point now) {
    if (has_ended(starter_.handle))
      return finish(now);
    if (told_end_)
      return now > given_up_at_ && give_up(now);
    auto state = state_of(starter_, directory_, patience_with_writing);
    bool runs
      = !state || state->what == starter::phase::starting || state->what == starter::phase::running;
    if (runs && now < killed_at_) {
      if (state && state->what == starter::phase::running && !told_signal_)
        send_stop(*state);
      return false;
    }
    out_.killed = runs || was_too_slow(*state);
    if (runs)
      mark();
    end_starter(now);
    return false;
  }

  [[nodiscard]] const stopped_instance& outcome() const {
    return out_;
  }

private:
  /// Before its end, which no agent may take for the program's own.
  void mark() {
    marked_ = true;
    owned_fd{open(mark_of(directory_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  }

  void send_stop(const starter::state& state) {
    told_signal_ = true;
    mark();
    order_stop(starter_, state, rules_);
  }

  void end_starter(steady_clock::time_point now) {
    told_end_ = true;
    given_up_at_ = now + kernel_timeout;
    // A queue of orders may be full; SIGTERM means the same and always has room.
    if (!send_signal(starter_.handle, starter::end_order))
      send_signal(starter_.handle, SIGTERM);
    send_signal(starter_.handle, SIGCONT);
  }

  bool finish(steady_clock::time_point now) {
    auto state = read_state(directory_);
    if (state && marked_)
      out_.exit = state->exit;
    out_.took = std::chrono::duration_cast<milliseconds>(now - begun_);
    return true;
  }

  bool give_up(steady_clock::time_point now) {
    out_.problem = fmt::format("its starter (process {}) does not end", starter_.pid);
    return finish(now);
  }

  std::string directory_;
  child_process starter_;
  stop_rules rules_;
  stopped_instance out_;
  bool marked_ = false;
  bool told_signal_ = false;
  bool told_end_ = false;
  steady_clock::time_point begun_ = steady_clock::now();
  steady_clock::time_point killed_at_ = begun_ + rules_.timeout;
  steady_clock::time_point given_up_at_;
};

} // namespace

result<void> stop_with_machine(const directories& where,
                               const std::function<void(const stopped_instance&)>& tell,
                               const std::function<void(const failure&)>& warn) {
  if (access(where.instances().c_str(), F_OK))
    return {};
  // An agent would start again what ends here.
  auto lock = take(where);
  if (!lock)
    return lock.error();
  auto rules = rules_by_id(where, warn);
  std::list<ending> running;
  for (auto& [id, starter] : find_starters(where.instances()))
    running.emplace_back(id, where.instance(id), std::move(starter.process), rules[id]);
  while (!running.empty()) {
    running.remove_if([&](ending& each) {
      bool over = each.advance(steady_clock::now());
      if (over)
        tell(each.outcome());
      return over;
    });
    if (!running.empty())
      std::this_thread::sleep_for(look_every);
  }
  return {};
}

bool was_stopped_with_machine(const std::string& directory) {
  return access(mark_of(directory).c_str(), F_OK) == 0;
}

void forget_stop_with_machine(const std::string& directory) {
  unlink(mark_of(directory).c_str());
}

} // namespace deployminator::agent
