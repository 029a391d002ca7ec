#pragma once

#include "actors/common/interfaces.hpp"
#include "actors/decisions/assignment.hpp"
#include "actors/decisions/orders/order.hpp"
#include "actors/decisions/placement.hpp"
#include "actors/decisions/plan.hpp"
#include "actors/decisions/rollout.hpp"

#include <caf/all.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace deployminator::actors {

using namespace common;

using change_ptr = std::shared_ptr<const messages::change>;
/// Given away: whoever gets it may take the farm out of it.
using farm_ptr = std::shared_ptr<messages::farm>;
using events_ptr = std::shared_ptr<const std::vector<messages::event>>;
using event_page_ptr = std::shared_ptr<const messages::event_page>;
using hello_ptr = std::shared_ptr<const messages::hello>;
using report_ptr = std::shared_ptr<const messages::report>;
using server_rows_ptr = std::shared_ptr<const std::vector<messages::server_row>>;
using message_ptr = std::shared_ptr<const messages::message>;
using order_ptr = std::shared_ptr<const messages::order>;
using readable_order_ptr = std::shared_ptr<const readable_order>;
using placement_request_ptr = std::shared_ptr<const placement_request>;
using placement_ptr = std::shared_ptr<const placement>;
using plan_view_ptr = std::shared_ptr<const plan_view>;
using plan_ptr = std::shared_ptr<const plan>;
using rollout_news_ptr = std::shared_ptr<const rollout_news>;
using rollout_decision_ptr = std::shared_ptr<const rollout_decision>;
using assignment_difference_ptr = std::shared_ptr<const assignment_difference>;

/// What a MACHINE must know of its agent's instances to answer a hello.
struct briefing {
  assignment_head assignment;
  /// `digest_of` the observations that the server has.
  std::uint64_t observation_digest = 0;
  /// The server has heard of troubles of the machine, which may be over.
  bool has_troubles = false;
};

using briefing_ptr = std::shared_ptr<const briefing>;
using group_ids_ptr = std::shared_ptr<const std::vector<std::uint64_t>>;

/// By id.
using keys_ptr = std::shared_ptr<const std::map<std::uint64_t, messages::access_key>>;
/// Null: there is none.
using next_server_key_ptr = std::shared_ptr<const messages::next_server_key>;
using order_call_ptr = std::shared_ptr<const order_call>;
using plan_build_ptr = std::shared_ptr<const messages::plan_build>;

/// What became of a look at a group.
enum class upkeep_outcome {
  /// It has all it should have.
  satisfied,
  /// A rollout has begun.
  moving,
  /// Something is lacking that cannot be mended now.
  lacking,
  /// The plan was stale: look again.
  stale,
};

} // namespace deployminator::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::messages::timestamp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::messages::caller)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::change_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::farm_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::events_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::event_page_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::hello_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::report_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::server_rows_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::message_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::order_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::readable_order_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::placement_request_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::placement_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::plan_view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::plan_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::rollout_news_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::rollout_decision_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::assignment_difference_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::briefing_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::group_ids_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::keys_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::next_server_key_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::order_call_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::plan_build_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::actors::upkeep_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(deployminator::messages::rollout_outcome)

CAF_BEGIN_TYPE_ID_BLOCK(deployminator_server, caf::id_block::deployminator_common::end)
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, advance, "advance")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, assign, "assign")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, collect, "collect")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, commit, "commit")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, events, "events")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, join, "join")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, lead, "lead")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, load, "load")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, lost, "lost")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, observe, "observe")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, order, "order")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, place, "place")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, plan, "plan")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, publish, "publish")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, question, "question")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, read, "read")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, refused, "refused")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, rotate, "rotate")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, servers, "servers")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, tell, "tell")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, trouble, "trouble")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, unsure, "unsure")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, update, "update")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, upkeep, "upkeep")
  CAF_ADD_ATOM(deployminator_server, deployminator::atom, view, "view")
CAF_END_TYPE_ID_BLOCK(deployminator_server)

/// The actors of the server and what they say to each other: the architecture in one file.
namespace deployminator::actors {

/// The PUBLISHER: tells watchers what happens, keeps the last events for late ones.
using publisher_actor = caf::typed_actor<
  /// From the REGISTRAR, in the order of their numbers: events that are stored now.
  caf::reacts_to<atom::publish, events_ptr>,
  /// From the REGISTRAR: a commit failed, and may have been made all the same.
  caf::reacts_to<atom::unsure>,
  /// From SESSIONS: progress that an agent published. Stored and published with the next batch.
  caf::reacts_to<atom::collect, events_ptr>,
  /// From the REGISTRAR: what cannot be stored. Told as it is, without a number.
  caf::reacts_to<atom::tell, events_ptr>,
  /// The events after a number, as many as fit into a page.
  caf::replies_to<atom::events, std::uint64_t>::with<event_page_ptr>,
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
  /// From the DEPLOYMINATOR: events for those who listen now, which are not stored.
  caf::reacts_to<atom::tell, events_ptr>,
  /// Renews the lease of this server; `refused` where another one has taken over.
  caf::replies_to<atom::lead>::with<bool>,
  /// Which servers there are.
  caf::replies_to<atom::servers>::with<server_rows_ptr>,
  /// The stored events after a number, as many as fit into a page.
  caf::replies_to<atom::events, std::uint64_t>::with<event_page_ptr>>;

/// A STRATEGY: chooses machines. One per placement strategy, looked up by its name in deploy.yaml.
using strategy_actor = caf::typed_actor<
  /// Where do the missing instances of this application go? The same question gets the same answer.
  caf::replies_to<atom::place, placement_request_ptr>::with<placement_ptr>>;

/// OUTSIDE STRATEGIES: a STRATEGY for all those that clients offer, each in a process of its own.
using outside_strategies_actor = caf::typed_actor<
  /// From SESSIONS: a client offers a strategy, or answers a question.
  caf::reacts_to<atom::deliver, received>,
  /// From SESSIONS: this peer, which has offered strategies, is nobody now, and why.
  caf::reacts_to<atom::lost, std::string, std::string>,
  /// From itself: the question with this correlation id has waited long enough.
  caf::reacts_to<atom::tick, std::uint64_t>>::extend_with<strategy_actor>;

/// The PLANNER: reads orders and asks STRATEGIES for the machines of a whole order. Changes nothing
/// and holds nobody up.
using planner_actor = caf::typed_actor<
  /// From the DEPLOYMINATOR: an order, to be read as far as deciding needs it.
  caf::replies_to<atom::read, order_ptr>::with<readable_order_ptr>,
  /// From the DEPLOYMINATOR: where does all this go, in the farm as the view shows it?
  caf::replies_to<atom::plan, plan_view_ptr>::with<plan_ptr>>;

/// A ROLLOUT: takes one group through its rollout.
using rollout_actor = caf::typed_actor<
  /// From the DEPLOYMINATOR: what has changed. Answered by an `advance`, before which no further
  /// news come.
  caf::reacts_to<atom::update, rollout_news_ptr>,
  /// From itself: time to look again; only the newest such tick counts.
  caf::reacts_to<atom::tick, std::uint64_t>>;

/// A MACHINE: the server's side of one agent, for as long as the server runs.
using machine_actor = caf::typed_actor<
  /// From SESSIONS: the agent said hello, or something else that is no heartbeat.
  caf::reacts_to<atom::deliver, received>,
  /// From SESSIONS: the agent's connection is lost, why, and when it said something last.
  caf::reacts_to<atom::lost, std::string, messages::timestamp>,
  /// From SESSIONS: the server's next key, which the agent is to know.
  caf::reacts_to<atom::rotate, next_server_key_ptr>,
  /// From the DEPLOYMINATOR: what should be on the machine now, as the difference to what it said
  /// last.
  caf::reacts_to<atom::assign, assignment_difference_ptr>,
  /// Passes a question of a client on to the agent and its answer back.
  caf::replies_to<atom::question, envelope_ptr>::with<message_ptr>,
  /// From itself: the assignment of this generation was not confirmed in time.
  caf::reacts_to<atom::tick, atom::assign, std::uint64_t>,
  /// From itself: the question with this correlation id has waited long enough.
  caf::reacts_to<atom::tick, atom::question, std::uint64_t>>;

/// A LOG SEARCH: asks the machines for logs of instances that are gone.
using log_search_actor = caf::typed_actor<
  /// Passed on by the DEPLOYMINATOR: a client's `find_logs`.
  caf::replies_to<atom::question, messages::caller, envelope_ptr>::with<message_ptr>>;

/// A USAGE ROUND: asks machines what the instances on them use.
using usage_round_actor = caf::typed_actor<
  /// Passed on by the DEPLOYMINATOR: a client's `measure`.
  caf::replies_to<atom::question, envelope_ptr>::with<message_ptr>>;

/// UPKEEP: looks after what is deployed while machines come and go.
using upkeep_actor = caf::typed_actor<
  /// From the DEPLOYMINATOR: something happened that may concern these groups.
  caf::reacts_to<atom::upkeep, group_ids_ptr, std::string>,
  /// From the DEPLOYMINATOR: a rollout that nobody ordered has failed in this group.
  caf::reacts_to<atom::upkeep, std::uint64_t>,
  /// From itself: time to look at what is lacking.
  caf::reacts_to<atom::tick>>;

/// Whoever stands at the door.
using doorkeeper_actor = caf::typed_actor<
  /// From the DEPLOYMINATOR: all keys, at the start and after each change of them.
  caf::reacts_to<atom::trust, keys_ptr>>;

/// The DEPLOYMINATOR: owns the desired state. All changes of the farm happen here, one after the
/// other, and are stored before anybody hears of them.
using deployminator_actor = caf::typed_actor<
  /// Who looks after what is deployed; before anything else.
  caf::reacts_to<atom::attach, upkeep_actor>,
  /// Who is told of the keys.
  caf::reacts_to<atom::attach, doorkeeper_actor>,
  /// From ORDERS: what this order needs placed, in the farm as it is. What needs something waits,
  /// after the start, until it is known who is there. An order that makes no sense needs nothing.
  caf::replies_to<atom::view, readable_order_ptr>::with<plan_view_ptr>,
  /// From ORDERS: carry this out; answered when it is committed. Null: the plan is stale, make
  /// another one.
  caf::replies_to<atom::order, order_call_ptr>::with<message_ptr>,
  /// From ORDERS: what carrying this out would do, told from the change of this number on. Nothing
  /// is done. Null: the plan is stale, make another one.
  caf::replies_to<atom::plan, order_call_ptr, std::uint64_t>::with<message_ptr>,
  /// From UPKEEP: what this group needs placed.
  caf::replies_to<atom::view, std::uint64_t>::with<plan_view_ptr>,
  /// From UPKEEP: mend what is lacking in this group, and on which occasion; answered when it is
  /// committed.
  caf::replies_to<atom::upkeep, std::uint64_t, plan_ptr, std::string>::with<upkeep_outcome>,
  /// A question of a client: a table, or an instance's output.
  caf::replies_to<atom::question, messages::caller, envelope_ptr>::with<message_ptr>,
  /// From a MACHINE: its agent said hello.
  caf::replies_to<atom::join, hello_ptr, machine_actor>::with<briefing_ptr>,
  /// From a MACHINE: its agent fell silent, why, and when it said something last.
  caf::reacts_to<atom::lost, std::string, std::string, messages::timestamp>,
  /// From a MACHINE: its agent reported; answered when the news are committed.
  caf::replies_to<atom::observe, std::string, report_ptr>::with<bool>,
  /// From a MACHINE: all that should be on it.
  caf::replies_to<atom::assign, std::string>::with<assignment_difference_ptr>,
  /// From a ROLLOUT: the next step of a group, or that there is none now.
  caf::reacts_to<atom::advance, std::uint64_t, rollout_decision_ptr>,
  /// From OUTSIDE STRATEGIES: why the strategy of this name, by which something deployed is placed,
  /// does not place it; empty: it does again.
  caf::reacts_to<atom::trouble, std::string, std::string>,
  /// From SESSIONS: somebody has seen a server of a higher epoch. Renews the lease; where another
  /// server has it, this one ends.
  caf::reacts_to<atom::lead>,
  /// From itself, every second: time to renew the lease.
  caf::reacts_to<atom::tick, atom::lead>,
  /// From itself, after a failed commit and a failed load: time to load again.
  caf::reacts_to<atom::load>,
  /// From itself: this machine may be silent for so long that something on it is replaced.
  caf::reacts_to<atom::tick, std::string>,
  /// From itself, after the start: machines that do not come back are given up; only the newest
  /// such look counts.
  caf::reacts_to<atom::tick, std::uint64_t>>;

/// ORDERS: takes the clients' orders, has them read and placed, one after the other, and carried
/// out. An order that is repeated while it is under way is carried out once.
using orders_actor = caf::typed_actor<
  /// From SESSIONS: an order and who gave it; answered when it is committed.
  caf::replies_to<atom::order, messages::caller, order_ptr>::with<message_ptr>,
  /// From SESSIONS: what an order would do, and who asks. Read and placed as the order would be,
  /// and no order waits for it.
  caf::replies_to<atom::plan, messages::caller, plan_build_ptr>::with<message_ptr>>;

/// SESSIONS: who is connected. Answers hellos, keeps all sessions alive, notices who is lost, and
/// passes everything else on to where it belongs.
using sessions_actor = caf::typed_actor<
  /// From a MACHINE, by its name: the farm refused the agent at this peer, which is nobody now.
  caf::reacts_to<atom::refused, std::string, std::string>,
  /// From main, which follows the server's key file: the server's next key, for everybody to know.
  caf::reacts_to<atom::rotate, next_server_key_ptr>,
  /// From itself: time to look after the sessions.
  caf::reacts_to<atom::tick>>::extend_with<receiver_actor>::extend_with<doorkeeper_actor>;

} // namespace deployminator::actors
