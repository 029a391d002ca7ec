#pragma once

#include "actors/common/interfaces.hpp"
#include "actors/decisions/assignment.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/rollout.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>
#include <vector>

namespace deployminator::actors {

using change_ptr = std::shared_ptr<const messages::change>;
using farm_ptr = std::shared_ptr<const messages::farm>;
using events_ptr = std::shared_ptr<const std::vector<messages::event>>;
using event_page_ptr = std::shared_ptr<const messages::event_page>;
using hello_ptr = std::shared_ptr<const messages::hello>;
using report_ptr = std::shared_ptr<const messages::report>;
using message_ptr = std::shared_ptr<const messages::message>;
using placement_request_ptr = std::shared_ptr<const placement_request>;
using placement_ptr = std::shared_ptr<const placement>;
using rollout_view_ptr = std::shared_ptr<const rollout_view>;
using rollout_decision_ptr = std::shared_ptr<const rollout_decision>;

/// What a MACHINE must know of its agent's instances to answer a hello.
struct briefing {
  machine_assignment assignment;
  /// `digest_of` the observations that the server has.
  std::uint64_t observation_digest = 0;
};

using briefing_ptr = std::shared_ptr<const briefing>;
using machine_assignment_ptr = std::shared_ptr<const machine_assignment>;

} // namespace deployminator::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::change_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::farm_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::events_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::event_page_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::hello_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::report_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::message_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::placement_request_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::placement_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::rollout_view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::rollout_decision_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::briefing_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::machine_assignment_ptr)

CAF_BEGIN_TYPE_ID_BLOCK(deployminator_server, caf::id_block::deployminator_common::end)
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, advance, "advance")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, ask, "ask")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, assign, "assign")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, collect, "collect")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, commit, "commit")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, join, "join")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, load, "load")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, lost, "lost")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, observe, "observe")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, order, "order")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, place, "place")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, publish, "publish")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, reign, "reign")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, update, "update")
CAF_END_TYPE_ID_BLOCK(deployminator_server)

/// The actors of the server and what they say to each other: the architecture in one file.
namespace deployminator::actors {

/// The PUBLISHER: tells watchers what happens, keeps the last events for late ones.
using publisher_actor = caf::typed_actor<
  /// From the REGISTRAR, in the order of their numbers: events that are stored now.
  caf::reacts_to<atom::publish, events_ptr>,
  /// From SESSIONS: progress that an agent published. Stored and published with the next batch.
  caf::reacts_to<atom::collect, events_ptr>,
  /// The events after a number, as many as fit into a page.
  caf::replies_to<atom::ask, std::uint64_t>::with<event_page_ptr>,
  /// From itself, every second: time to tell watchers the last number.
  caf::reacts_to<atom::tick>>;

/// The REGISTRAR: the only caller of the store. Blocks, so it has a thread of its own.
using registrar_actor = caf::typed_actor<
  /// Who is told of stored events.
  caf::reacts_to<atom::attach, publisher_actor>,
  /// Everything the store has.
  caf::replies_to<atom::load>::with<farm_ptr>,
  /// Makes a change; answers with the number of the last event once it is on disk. After an error
  /// it is unknown whether the change was made: load to find out.
  caf::replies_to<atom::commit, change_ptr>::with<std::uint64_t>,
  /// Whether this server still reigns; `refused` where another one does.
  caf::replies_to<atom::reign>::with<bool>,
  /// The stored events after a number, as many as fit into a page.
  caf::replies_to<atom::ask, std::uint64_t>::with<event_page_ptr>>;

/// A STRATEGY: chooses machines. One per placement strategy, looked up by its name in deploy.yaml.
using strategy_actor = caf::typed_actor<
  /// Where do the missing instances of this application go? The same question gets the same answer.
  caf::replies_to<atom::place, placement_request_ptr>::with<placement_ptr>>;

/// A ROLLOUT: moves one group from one version to another.
using rollout_actor = caf::typed_actor<
  /// From the DEPLOYMINATOR: the group looks like this now.
  caf::reacts_to<atom::update, rollout_view_ptr>,
  /// From itself: time to look again; ticks of older views are ignored by their revision.
  caf::reacts_to<atom::tick, std::uint64_t>>;

/// A MACHINE: the server's side of one agent, for as long as the server runs.
using machine_actor = caf::typed_actor<
  /// From SESSIONS: the agent said hello, or something else.
  caf::reacts_to<atom::deliver, received>,
  /// From the DEPLOYMINATOR: what should be on the machine now.
  caf::reacts_to<atom::assign, machine_assignment_ptr>,
  /// Passes a question of a client on to the agent and its answer back.
  caf::replies_to<atom::ask, envelope_ptr>::with<message_ptr>,
  /// From itself: time to look after the session and what was not confirmed.
  caf::reacts_to<atom::tick>,
  /// From itself: the question with this correlation id has waited long enough.
  caf::reacts_to<atom::tick, std::uint64_t>>;

/// The DEPLOYMINATOR: owns the desired state. All changes of the farm happen here, one after the
/// other, and are stored before anybody hears of them.
using deployminator_actor = caf::typed_actor<
  /// An order of a client; answered when it is committed.
  caf::replies_to<atom::order, envelope_ptr>::with<message_ptr>,
  /// A question of a client: a table, or an instance's output.
  caf::replies_to<atom::ask, envelope_ptr>::with<message_ptr>,
  /// From a MACHINE: its agent said hello.
  caf::replies_to<atom::join, hello_ptr, machine_actor>::with<briefing_ptr>,
  /// From a MACHINE: its agent fell silent, and why.
  caf::reacts_to<atom::lost, std::string, std::string>,
  /// From a MACHINE: its agent reported; answered when the news are committed.
  caf::replies_to<atom::observe, std::string, report_ptr>::with<bool>,
  /// From a ROLLOUT: the next step of a group, decided on the view of this revision.
  caf::reacts_to<atom::advance, std::uint64_t, std::uint64_t, rollout_decision_ptr>,
  /// From SESSIONS: somebody has seen a server of a higher epoch. Asks the store who reigns; where it
  /// is another one, this server ends.
  caf::reacts_to<atom::reign>,
  /// From itself, every few seconds: time to ask the store who reigns.
  caf::reacts_to<atom::tick, atom::reign>,
  /// From itself, after a failed commit and a failed load: time to load again.
  caf::reacts_to<atom::load>,
  /// From itself, once after the start: machines that have not come back yet are out of reach.
  caf::reacts_to<atom::tick>>;

/// SESSIONS: who is connected. Answers hellos, keeps the clients' sessions and passes everything on
/// to where it belongs.
using sessions_actor = caf::typed_actor<
  /// From itself: time to look after the clients' sessions.
  caf::reacts_to<atom::tick>>::extend_with<receiver_actor>;

} // namespace deployminator::actors
