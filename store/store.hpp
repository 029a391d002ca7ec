#pragma once

#include "messages/change.hpp"
#include "messages/duration.hpp"
#include "messages/result.hpp"
#include "messages/rows.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace deployminator::store {

/// How long a lease lasts from its last renewal, by the database's clock.
inline constexpr std::chrono::milliseconds lease_term{4000};

/// How long the first one lasts: loading a large farm takes its time.
inline constexpr std::chrono::milliseconds first_lease_term{30'000};

/// A server, as it says of itself.
struct this_server {
  /// The same for two processes only where the earlier one is known to be dead when the later one
  /// asks to lead: that one takes the lease over before its end.
  std::string id;
  /// For people, see `messages::server_row`.
  std::string name;
  std::string listen;
  std::string version;
};

/// The database behind the server. Blocking; called by the REGISTRAR alone, from one thread. A
/// failure says what failed and where (file or address); after one, the same call may be made
/// again. A database that was away is found again by the next call.
class store {
public:
  virtual ~store() = default;

  /// Takes over where no other server has a lease: takes it, raises the epoch by one, for good, and
  /// returns it. From now on every store opened earlier on the same database refuses to commit.
  /// `refused`, with who leads, where another one does: this server stands by, and asks again at
  /// least every second.
  virtual messages::result<std::uint64_t> begin_epoch() = 0;

  /// Renews the lease: until `lease_term` after this was called no other server takes over. Refused
  /// when one has done so.
  virtual messages::result<void> renew_lead() = 0;

  /// Ends the lease, where this server has it: another one may take over at once. The last call.
  virtual messages::result<void> give_up_lead() = 0;

  /// The servers that were there within the last week.
  virtual messages::result<std::vector<messages::server_row>> servers() = 0;

  /// All keys, by id: whom a server that stands by lets in.
  virtual messages::result<std::map<std::uint64_t, messages::access_key>> keys() = 0;

  /// Everything the server knows. Of the receipts, the newest 10,000; the others are dropped.
  virtual messages::result<messages::farm> load() = 0;

  /// Makes a change in one transaction, numbers its events and returns the number of the last event
  /// there is. `number` counts the changes of this epoch up from 1: a change with the number of the
  /// last one is taken for its repetition after an unknown outcome and not made again. When this
  /// returns, the change is on disk. Refused when another server has taken over.
  virtual messages::result<std::uint64_t> commit(std::uint64_t number, const messages::change& c)
    = 0;

  /// The stored events with numbers above `seq`, oldest first, at most `limit`. Old ones are
  /// dropped: the first one returned may be later than `seq + 1`. Refused when another server
  /// has taken over: there are more than this one knows of.
  virtual messages::result<std::vector<messages::event>> events_after(std::uint64_t seq,
                                                                      std::size_t limit)
    = 0;
};

/// How much a store keeps of what only grows.
struct retention {
  /// The newest, and none of them for longer than `event_age`, by their own times. The newest
  /// `sure_events` stay in any case: a clock that is wrong for a while must not make them all old.
  std::uint64_t events = 50'000;
  messages::duration event_age = std::chrono::hours{24 * 90};
  std::uint64_t sure_events = 1'000;
  /// All kept events together, and those of one interval more; the newest one stays in any case.
  std::uint64_t event_bytes = 256 << 20;
  std::uint64_t receipts = messages::kept_receipts;
  /// After how many changes the older receipts are dropped.
  std::uint64_t receipts_interval = 1'000;
  /// After how many events the older ones are dropped.
  std::uint64_t events_interval = 100;
};

/// Opens the store that `url` names, `sqlite:PATH` or `mysql://USER@HOST:PORT/DB`, there with the
/// password that is the first line of `password_file`, for the server `self`. Creates the tables or
/// migrates them to this build's schema. Refuses a database of a newer schema, or one that is no
/// database of ours.
messages::result<std::unique_ptr<store>> open_store(const std::string& url,
                                                    const std::string& password_file = {},
                                                    const retention& keep = {},
                                                    const this_server& self = {});

} // namespace deployminator::store
