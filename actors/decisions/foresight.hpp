#pragma once

#include "actors/decisions/orders/order.hpp"
#include "messages/wire.hpp"

#include <optional>
#include <string>

/// What an order will do, told before it does.
namespace deployminator::actors {

/// The outcome of a build's order, instance by instance, where its rollouts succeed. `decided`:
/// what `decide` made of it on the farm `before`.
messages::build_plan foresee(const messages::farm& before, const decided_order& decided,
                             const build_to_deploy& order, const plan& where);

/// Why an order that rests on a `build_plan` must not be carried out: what was decided is no longer
/// what that told. Nothing where it is, or the order rests on none.
std::optional<messages::failure> other_than_planned(const messages::farm& before,
                                                    const decided_order& decided,
                                                    const order_call& call);

/// The page of the plan that begins with the change numbered `offset`.
messages::build_plan page_of(messages::build_plan all, std::uint64_t offset);

} // namespace deployminator::actors
