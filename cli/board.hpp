#pragma once

#include "cli/group_name.hpp"
#include "cli/text.hpp"
#include "messages/wire.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::cli {

/// The state of a live view: groups with their rollouts, instances and downloads. Fed with table
/// rows and with the events after them; knows no clock and no terminal.
class board {
public:
  /// Takes the groups as they are; those of earlier calls that are not among them go.
  void show_groups(const std::vector<messages::group_row>& rows);
  /// The same for the instances.
  void show_instances(const std::vector<messages::instance_row>& rows);
  /// The same for the machines.
  void show_machines(const std::vector<messages::machine_row>& rows);

  /// Makes `version` of a group the one that its heading is about; 0: it is being undeployed.
  void follow(const messages::group_version& rollout, messages::timestamp now);

  /// Takes in an event that arrived at `now`.
  void apply(const messages::event& e, messages::timestamp now);

  /// The picture for a canvas: under each group its downloads and instances. Where they do not all
  /// fit in the canvas's height, what needs a person's eye is kept, and a last line tells how many
  /// are missing.
  std::vector<line> lines(const canvas& c, messages::timestamp now) const;

  /// How many instances of a group are known.
  std::size_t count_of(const group_name& name) const;

  /// The instances of a group in numbers: `12 of 60 instances are ready (48 running)`.
  std::string census_of(const group_name& name) const;

private:
  struct group_state {
    std::uint64_t deployed = 0;
    /// The version being rolled out, 0 in one that undeploys; nothing: no rollout.
    std::optional<std::uint64_t> rollout;
    /// Which one of the group's rollouts that is; 0: unknown.
    std::uint64_t number = 0;
    std::string phase;
    messages::timestamp begun;
    std::uint64_t wanted = 0;
    /// How the last rollout ended, while none is under way, and of which version it was.
    std::optional<std::pair<std::uint64_t, messages::rollout_finished>> end;
  };

  struct instance_state {
    std::string id;
    group_name group;
    std::uint64_t version = 0;
    std::string machine;
    messages::instance_state state = messages::instance_state::preparing;
    std::vector<std::uint16_t> ports;
    std::string reason;
    /// The event that told of its start, and how long it took from then to be ready.
    messages::timestamp started;
    std::optional<double> seconds_to_ready;
  };

  struct download_state {
    group_name group;
    messages::download_progress progress;
  };

  /// A line and how much it matters where there is no room for all: 0 most.
  struct ranked_line {
    line text;
    int rank = 0;
  };

  void take(const messages::event& e, const messages::download_progress& p);
  void take(const messages::event& e, const messages::instance_change& c);
  void take(const messages::event& e, const messages::machine_change& c);
  void take(const messages::event& e, const messages::port_change& c);
  void take(const messages::event& e, const messages::port_problem& p);
  void take(const messages::event& e, const messages::trouble_change& t);
  void take(const messages::event& e, const messages::key_change& c);
  void take(const messages::event& e, const messages::rollout_step& s);
  void take(const messages::event& e, const messages::rollout_finished& f);
  void take(const messages::event& e, const messages::other_event& o);

  /// Whether it is of the version that its group's heading is about.
  bool is_current(const instance_state& i) const;
  void forget_downloads_without_waiters();

  line heading(const group_name& name, const group_state& g, const canvas& c,
               messages::timestamp now) const;
  /// The phase in words.
  std::string phase_of(const group_name& name, const group_state& g) const;
  /// How a rollout that did not succeed ended.
  static std::string defeat_of(const group_state& g);
  line row(const instance_state& i, const canvas& c) const;
  void add_rows(std::vector<ranked_line>& out, const group_name& name, const canvas& c) const;

  static std::vector<line> fitting(std::vector<ranked_line> all, std::size_t height);

  std::map<group_name, group_state> groups_;
  std::map<std::string, instance_state> instances_;
  std::map<std::string, messages::machine_state> machines_;
  /// By machine and artifact.
  std::map<std::pair<std::string, std::string>, download_state> downloads_;
};

} // namespace deployminator::cli
