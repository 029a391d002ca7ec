#pragma once

#include "actors/decisions/edit.hpp"
#include "actors/decisions/plan.hpp"
#include "messages/caller.hpp"
#include "messages/change.hpp"
#include "messages/result.hpp"
#include "messages/wire.hpp"

#include <string>
#include <variant>
#include <vector>

/// What orders do to the farm. Each kind has a file beside this one with two functions:
/// `needs` says what has to be placed first, `decide` writes the change. A refused order changes
/// nothing.
namespace deployminator::actors {

/// A group of a build: its applications as deploy.yaml defines them, for this build.
struct group_to_deploy {
  std::string namespace_;
  std::string name;
  std::vector<messages::application> applications;
};

/// A build whose deploy.yaml has been read.
struct build_to_deploy {
  /// Without the text of the file.
  messages::submit_build order;
  std::vector<group_to_deploy> groups;
};

/// An order that can be decided: `messages::order` with what had to be read.
using readable_order
  = std::variant<build_to_deploy, messages::roll_to_version, messages::undeploy,
                 messages::stop_group, messages::start_group, messages::restart_group,
                 messages::add_key, messages::revoke_key, messages::promote_rollout,
                 messages::abort_rollout, messages::pause_rollout, messages::resume_rollout,
                 messages::drain_machine, messages::undrain_machine, messages::forget_machine,
                 messages::redistribute_farm>;

using wishes_or_refusal = messages::result<std::vector<wish>>;
using versions_or_refusal = messages::result<std::vector<messages::group_version>>;

/// A kind of order. `needs`: what has to be placed; `decide`: writes the change, on a plan for just
/// that, and tells what the order does to which group. Both refuse an order that makes no sense
/// now.
template <class Order>
struct order_kind;

/// Of an order for which nothing has to be placed.
template <class Order>
struct needs_no_place {
  static wishes_or_refusal needs(const messages::farm&, const Order&) {
    return std::vector<wish>{};
  }
};

template <>
struct order_kind<build_to_deploy> {
  static wishes_or_refusal needs(const messages::farm& f, const build_to_deploy& order);
  static versions_or_refusal decide(edit& c, const build_to_deploy& order, const plan& p);
};

template <>
struct order_kind<messages::roll_to_version> {
  static wishes_or_refusal needs(const messages::farm& f, const messages::roll_to_version& order);
  static versions_or_refusal decide(edit& c, const messages::roll_to_version& order, const plan& p);
};

template <>
struct order_kind<messages::undeploy> : needs_no_place<messages::undeploy> {
  static versions_or_refusal decide(edit& c, const messages::undeploy& order, const plan& p);
};

template <>
struct order_kind<messages::stop_group> : needs_no_place<messages::stop_group> {
  static versions_or_refusal decide(edit& c, const messages::stop_group& order, const plan& p);
};

template <>
struct order_kind<messages::start_group> {
  static wishes_or_refusal needs(const messages::farm& f, const messages::start_group& order);
  static versions_or_refusal decide(edit& c, const messages::start_group& order, const plan& p);
};

template <>
struct order_kind<messages::restart_group> : needs_no_place<messages::restart_group> {
  static versions_or_refusal decide(edit& c, const messages::restart_group& order, const plan& p);
};

template <>
struct order_kind<messages::add_key> : needs_no_place<messages::add_key> {
  static versions_or_refusal decide(edit& c, const messages::add_key& order, const plan& p);
};

template <>
struct order_kind<messages::revoke_key> : needs_no_place<messages::revoke_key> {
  static versions_or_refusal decide(edit& c, const messages::revoke_key& order, const plan& p);
};

template <>
struct order_kind<messages::promote_rollout> : needs_no_place<messages::promote_rollout> {
  static versions_or_refusal decide(edit& c, const messages::promote_rollout& order, const plan& p);
};

template <>
struct order_kind<messages::abort_rollout> : needs_no_place<messages::abort_rollout> {
  static versions_or_refusal decide(edit& c, const messages::abort_rollout& order, const plan& p);
};

template <>
struct order_kind<messages::pause_rollout> : needs_no_place<messages::pause_rollout> {
  static versions_or_refusal decide(edit& c, const messages::pause_rollout& order, const plan& p);
};

template <>
struct order_kind<messages::resume_rollout> : needs_no_place<messages::resume_rollout> {
  static versions_or_refusal decide(edit& c, const messages::resume_rollout& order, const plan& p);
};

template <>
struct order_kind<messages::drain_machine> : needs_no_place<messages::drain_machine> {
  static versions_or_refusal decide(edit& c, const messages::drain_machine& order, const plan& p);
};

template <>
struct order_kind<messages::undrain_machine> : needs_no_place<messages::undrain_machine> {
  static versions_or_refusal decide(edit& c, const messages::undrain_machine& order, const plan& p);
};

template <>
struct order_kind<messages::forget_machine> : needs_no_place<messages::forget_machine> {
  static versions_or_refusal decide(edit& c, const messages::forget_machine& order, const plan& p);
};

/// Placed when it is decided: where everything goes depends on everything.
template <>
struct order_kind<messages::redistribute_farm> : needs_no_place<messages::redistribute_farm> {
  static versions_or_refusal decide(edit& c, const messages::redistribute_farm& order,
                                    const placing_ground& on);
};

/// The id that the client chose.
const std::string& id_of(const readable_order& order);

wishes_or_refusal needs(const messages::farm& f, const readable_order& order);

/// An order with all that deciding it takes.
struct order_call {
  readable_order what;
  /// `digest_of` the order as it was sent.
  std::uint64_t digest = 0;
  messages::caller who;
  /// The machines for what it needs.
  plan where;
};

/// What becomes of an order.
struct decided_order {
  messages::change what;
  messages::receipt kept;
  std::optional<messages::failure> refused;
  /// It was carried out before: `kept` is of that time.
  bool is_repeated = false;
  /// The plan must not be carried out: make another one.
  bool is_stale = false;
};

/// Decides an order, once: the same one again gets the same receipt, another one under its id is
/// refused. `overcommit_percent` as in `placement_rules`.
decided_order decide(const messages::farm& f, const presence& machines,
                     const std::map<std::uint64_t, std::uint64_t>& revisions,
                     const order_call& call, const moment& m, std::uint64_t overcommit_percent);

/// Why an order is refused whose id another one had before.
messages::failure other_order_under(const std::string& id);

/// The machines that the plan has for an application; none where nothing was wished for it.
placement placement_in(const plan& p, const std::string& namespace_, const std::string& group,
                       const std::string& application);

/// Wishes for the applications of a group that are not stopped on purpose; `version_id` as in
/// `wish`.
std::vector<wish> wishes_for(const messages::group& g, std::uint64_t version_id,
                             const std::vector<messages::application>& applications);

} // namespace deployminator::actors
