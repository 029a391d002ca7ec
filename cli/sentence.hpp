#pragma once

#include "cli/text.hpp"
#include "messages/event.hpp"

#include <map>
#include <string>
#include <utility>

/// Events as lines for people. Pure.
namespace deployminator::cli {

/// The tone in which a state is written.
tone tone_of(messages::instance_state state);
tone tone_of(messages::machine_state state);
tone tone_of(messages::server_state state);
tone tone_of(messages::version_state state);
tone tone_of(messages::rollout_outcome outcome);

/// ` :4100 :4101`, or nothing.
std::string ports_text(const std::vector<std::uint16_t>& ports);

/// A rollout's phase in words: `stopping old`.
std::string phase_text(std::string phase);

/// The last part of an artifact's URL.
std::string artifact_name(const std::string& url);

/// A fetch as a line: `w1  ████░░░░ 12.3/20.0 MiB  4.0 MiB/s  ETA 2s  web.tar.gz`.
line progress_line(const messages::download_progress& p, const canvas& c);

/// An event as a line, without its time and group.
line sentence_of(const messages::event& e, const canvas& c);

/// The same after `2026-01-31 10:30:00 CET  shop/web v12`, for lists of events.
line dated_sentence_of(const messages::event& e, const canvas& c);

/// Chooses which events to write where lines cannot be redrawn: all of them, but of a fetch only
/// the first bytes, the end and each quarter between, and of an instance nothing twice in a row.
class narrator {
public:
  bool worth_telling(const messages::event& e);

private:
  /// How many quarters were told, by machine and artifact.
  std::map<std::pair<std::string, std::string>, std::uint64_t> told_;
  /// The last sentence about each instance that is not gone.
  std::map<std::string, std::string> said_;
};

} // namespace deployminator::cli
