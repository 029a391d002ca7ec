#pragma once

#include "actors/common/interfaces.hpp"
#include "agent/decisions/instance.hpp"
#include "agent/decisions/trouble_book.hpp"
#include "agent/outside.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace deployminator::agent {

using observation_ptr = std::shared_ptr<const messages::observation>;
using public_ports_ptr = std::shared_ptr<const messages::public_ports>;
using troubles_ptr = std::shared_ptr<const troubles>;
using artifact_result = messages::result<artifact>;
using void_result = messages::result<void>;

/// What the journal remembered.
struct journal_content {
  agent_record agent;
  std::vector<instance_record> instances;
};

/// `fetch_key`s.
using fetch_keys = std::set<std::string>;

using journal_content_ptr = std::shared_ptr<const journal_content>;

} // namespace deployminator::agent

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::spec_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::agent_record_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::observation_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::public_ports_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::troubles_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::artifact_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::void_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::journal_content_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::instance_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::process_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::download_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::messages::server_key_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::fetch_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::check_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::agent::fetch_keys)

/// The agent's own atoms, beside those it shares with the server.
namespace deployminator::agent::atom {

using namespace deployminator::atom;

} // namespace deployminator::agent::atom

CAF_BEGIN_TYPE_ID_BLOCK(deployminator_agent, deployminator::common::first_agent_type_id)
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, abandon, "abandon")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, begin, "begin")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, check, "check")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, direct, "direct")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, erase, "erase")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, expect, "expect")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, fetch, "fetch")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, fetched, "fetched")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, flush, "flush")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, gone, "gone")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, keep, "keep")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, learn, "learn")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, note, "note")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, recall, "recall")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, removed, "removed")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, report, "report")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, revive, "revive")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, save, "save")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, seen, "seen")
  CAF_ADD_ATOM(deployminator_agent, deployminator::agent::atom, unpacked, "unpacked")
CAF_END_TYPE_ID_BLOCK(deployminator_agent)

/// The actors of the agent and what they say to each other.
namespace deployminator::agent {

/// The JOURNAL: the only caller of the journal's files and of the machine's key file. Detached in
/// production, since they block.
using journal_actor = caf::typed_actor<
  /// What was remembered; fails when the files are damaged.
  caf::replies_to<atom::recall>::with<journal_content_ptr>,
  /// Keeps what the agent holds; answered when it is on disk. Fails when it cannot be written.
  caf::replies_to<atom::save, agent_record_ptr>::with<bool>,
  /// From INSTANCES: what must survive of one. Written soon; tried again until it is.
  caf::reacts_to<atom::note, instance_record>,
  /// From INSTANCES and AGENT: nothing of the instance is left, nor need be known.
  caf::reacts_to<atom::erase, std::string>,
  /// From the AGENT: what its server said of its keys; answered with the server's next key, as the
  /// machine's key file has it now, empty for none.
  caf::replies_to<atom::learn, messages::server_key_news>::with<std::string>,
  /// From the AGENT: what keeps it, or anything on the machine, from keeping things.
  caf::replies_to<atom::check>::with<troubles_ptr>,
  /// From itself: write what was noted.
  caf::reacts_to<atom::flush>>;

/// An OBSERVER of instances: the PUBLIC PORTS, and behind it the AGENT.
using observer_actor = caf::typed_actor<
  /// From an INSTANCE: it is seen in a new state.
  caf::reacts_to<atom::seen, observation_ptr>,
  /// From an INSTANCE, its last message: nothing of it is left on the machine.
  caf::reacts_to<atom::gone, observation_ptr>>;

/// An INSTANCE: carries out what is decided about one instance.
using instance_actor = caf::typed_actor<
  /// From the AGENT: a new order; with goal `stop` the instance is to be gone.
  caf::reacts_to<atom::direct, spec_ptr>,
  /// From the FETCHER: the artifact, or why there is none.
  caf::reacts_to<atom::fetched, artifact_result>,
  /// From the FETCHER: how the fetch gets on, where that is worth a word.
  caf::reacts_to<atom::note, fetch_note>,
  /// From the launcher: the artifact is laid out, or why not.
  caf::reacts_to<atom::unpacked, void_result>,
  /// From the launcher: the instance's files are gone, or why not.
  caf::reacts_to<atom::removed, void_result>,
  /// From the AGENT: this has changed on the machine, and the instance may have waited for it.
  caf::reacts_to<atom::revive, std::string>,
  /// From the AGENT, who has it from the launcher: news of its processes.
  caf::reacts_to<process_event>,
  /// From the health checker: a check has ended.
  caf::reacts_to<check_ended>,
  /// From itself: the check of this number is due.
  caf::reacts_to<atom::check, std::uint64_t>,
  /// From itself: the timer of this number is over.
  caf::reacts_to<atom::tick, std::uint64_t>>;

/// The FETCHER: gets artifacts, few at once, one transfer for all who wait for it, and publishes
/// how they get on.
using fetcher_actor = caf::typed_actor<
  /// From an INSTANCE: it wants the artifact of its order; answered with `fetched`.
  caf::reacts_to<atom::fetch, spec_ptr, instance_actor>,
  /// From an INSTANCE: it wants its artifact no more. No answer comes.
  caf::reacts_to<atom::abandon, std::string>,
  /// From the AGENT: the artifacts that instances on this machine may want, all of them.
  caf::reacts_to<atom::keep, fetch_keys>,
  /// From the downloader: how the transfer of this key gets on.
  caf::reacts_to<atom::seen, std::string, download_progress>,
  /// From the downloader: the transfer of this key has ended.
  caf::reacts_to<atom::fetched, std::string, artifact_result>,
  /// From the AGENT: where to publish progress, and the server's epoch.
  caf::reacts_to<atom::attach, bus::socket_id, std::uint64_t>,
  /// From itself: look how fast the transfers are.
  caf::reacts_to<atom::tick>>;

/// The PUBLIC PORTS: leads the machine's public ports to the newest ready instances. Stands between
/// INSTANCES and AGENT in both directions, so that a port leads to a new instance before anybody
/// hears that it is ready, and away from an old one before that is told to stop.
using public_ports_actor = caf::typed_actor<
  /// From the AGENT: there will be an INSTANCE with this order.
  caf::reacts_to<atom::expect, spec_ptr>,
  /// From the AGENT: a new order, to be passed on to its INSTANCE.
  caf::reacts_to<atom::direct, spec_ptr, instance_actor>,
  /// From the AGENT: all INSTANCES that there are were expected, so the rules may be changed;
  /// answered when each was seen and the AGENT was told of them.
  caf::replies_to<atom::begin>::with<bool>,
  /// From itself: the configuration may have changed.
  caf::reacts_to<atom::tick>,
  /// From itself: somebody may have changed the rules.
  caf::reacts_to<atom::check>>::extend_with<observer_actor>;

/// The AGENT: holds the assignment, talks with the server, keeps the instances in line.
using agent_actor = caf::typed_actor<
  /// From the PUBLIC PORTS: what the next report, which follows from another message, is to say.
  caf::reacts_to<public_ports_ptr>,
  /// From the launcher: news of an instance's processes.
  caf::reacts_to<process_event>,
  /// From itself: the session is due.
  caf::reacts_to<atom::tick, std::uint64_t>,
  /// From itself and the PUBLIC PORTS: a report may be due.
  caf::reacts_to<atom::report>,
  /// From itself: see what is wrong with the machine.
  caf::reacts_to<atom::check>,
  /// From itself: the record could not be written, try again.
  caf::reacts_to<atom::save>>::extend_with<common::receiver_actor>::extend_with<observer_actor>;

} // namespace deployminator::agent
