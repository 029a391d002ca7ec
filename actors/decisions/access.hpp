#pragma once

#include "actors/decisions/orders/order.hpp"
#include "messages/access_key.hpp"
#include "messages/caller.hpp"
#include "messages/wire.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Which role may send which message to the server, and what a key's namespaces limit. Asked in one
/// place, before any handler.
namespace deployminator::actors {

/// Why the holder of the key may not be who the hello says, or nothing.
std::optional<messages::failure> impersonation(const messages::access_key& key,
                                               const messages::hello& h);

/// Why the caller may not send this message, or nothing.
std::optional<messages::failure> objection_to(const messages::caller& who,
                                              const messages::message& what);

/// Why the caller may not give this order, whose groups are known now, or nothing.
std::optional<messages::failure> objection_to_groups(const messages::caller& who,
                                                     const readable_order& what);

/// Whether the caller sees what belongs to this namespace; empty: to none, which everybody sees.
bool may_see(const messages::caller& who, std::string_view namespace_);

/// The same of a log; one of which nobody knows whose it was is for who may see everything.
bool may_see(const messages::caller& who, const messages::kept_log& log);

/// What the caller sees of a page of events.
messages::event_page visible_part(const messages::caller& who, messages::event_page page);

/// The whole table in Markdown, as SECURITY.md has it.
std::string access_text();

} // namespace deployminator::actors
