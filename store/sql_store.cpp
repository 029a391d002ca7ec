#include "store/sql_store.hpp"

#include "messages/random_id.hpp"
#include "store/change_writer.hpp"
#include "store/error.hpp"
#include "store/farm_reader.hpp"
#include "store/lease.hpp"
#include "store/old_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;
using messages::result;

/// The one row of `meta`.
struct meta_row {
  std::uint64_t epoch = 0;
  std::uint64_t change_number = 0;
  std::uint64_t last_event = 0;
  std::string store_id;
};

meta_row read_meta(connection& db) {
  rows found{db, "SELECT epoch, change_number, last_event, store_id FROM meta WHERE id = 1"};
  if (!found.next())
    throw store_error(
      failure{failure_code::internal,
              fmt::format("the database {} is damaged: table meta has no row 1", db.name()),
              "restore a backup"});
  try {
    return {found.number(0), found.number(1), found.number(2), found.text(3)};
  } catch (const damage& why) {
    throw store_error(failure{
      failure_code::internal,
      fmt::format("the database {} is damaged: in table meta, row 1, {}", db.name(), why.what()),
      "restore a backup"});
  }
}

/// Keeps the newest, by their place among the events: no clock can make one of them old.
void drop_old_receipts(connection& db, std::uint64_t keep) {
  std::uint64_t oldest = 0;
  {
    rows found{db, "SELECT seq FROM client_order ORDER BY seq DESC LIMIT 1 OFFSET ?", keep};
    if (!found.next())
      return;
    oldest = found.number(0);
  }
  run(db, "DELETE FROM client_order WHERE seq <= ?", oldest);
}

/// Servers whose database is away hear of it soon; who is in another's way tries a little longer.
constexpr int most_retries = 4;
constexpr std::uint64_t longest_pause_us = 20'000;

bool helps_to_retry(remedy r, int attempt) {
  if (r == remedy::again)
    return attempt < most_retries;
  return r != remedy::none && attempt == 0;
}

/// Chance keeps two that were in each other's way apart.
void pause_before_retry() {
  static thread_local std::minstd_rand chance{std::random_device{}()};
  std::this_thread::sleep_for(std::chrono::microseconds{chance() % longest_pause_us});
}

/// What `f` returns; what is thrown below the store ends here. `f` is called again where that may
/// help, so it does no harm twice.
template <class F>
auto attempt(const connection& db, F f) -> result<decltype(f())> {
  std::optional<failure> unknown_outcome;
  for (int n = 0;; ++n) {
    try {
      return f();
    } catch (const store_error& e) {
      if (e.helps() == remedy::unknown_outcome)
        unknown_outcome = e.why();
      // What is known of the change matters more than why the database cannot be asked.
      if (!helps_to_retry(e.helps(), n))
        return e.why().code == failure_code::refused ? e.why() : unknown_outcome.value_or(e.why());
    } catch (const damage& why) {
      return failure{failure_code::internal,
                     fmt::format("the database {} is damaged: {}", db.name(), why.what()),
                     "restore a backup, or stop the server and mend it by hand (see "
                     "store/README.md)"};
    }
    pause_before_retry();
  }
}

} // namespace

sql_store::sql_store(std::unique_ptr<connection> db, const retention& keep, this_server self)
  : db_(std::move(db)), keep_(keep), self_(std::move(self)) {}

result<std::uint64_t> sql_store::begin_epoch() {
  std::optional<failure> who_leads;
  auto epoch = attempt(*db_, [&] {
    who_leads.reset();
    transaction whole{*db_};
    bool is_ours = take_lease(*db_, self_.id);
    auto now = read_meta(*db_).epoch;
    note_server(*db_, self_, is_ours ? now : 0);
    if (is_ours)
      run(*db_, "UPDATE meta SET store_id = ? WHERE id = 1 AND store_id = ''",
          messages::new_random_id());
    else
      who_leads = failure{failure_code::refused,
                          fmt::format("{} leads (epoch {})", leader_of(*db_, now), now),
                          "nothing is to be done: this server takes over when that one ends"};
    whole.commit();
    return is_ours ? epoch_ = now : 0;
  });
  return epoch && who_leads ? *who_leads : epoch;
}

result<void> sql_store::renew_lead() {
  auto renewed = attempt(*db_, [&] {
    transaction whole{*db_};
    if (!renew_lease(*db_, epoch_))
      insist_on_leadership(read_meta(*db_).epoch);
    note_server(*db_, self_, epoch_);
    whole.commit();
    return true;
  });
  return renewed ? result<void>{} : result<void>{renewed.error()};
}

result<void> sql_store::give_up_lead() {
  auto ended = attempt(*db_, [&] {
    transaction whole{*db_};
    end_lease(*db_, epoch_);
    whole.commit();
    return true;
  });
  return ended ? result<void>{} : result<void>{ended.error()};
}

result<std::vector<messages::server_row>> sql_store::servers() {
  return attempt(*db_, [&] { return read_servers(*db_); });
}

result<std::map<std::uint64_t, messages::access_key>> sql_store::keys() {
  return attempt(*db_, [&] { return read_keys(*db_); });
}

result<messages::farm> sql_store::load() {
  return attempt(*db_, [&] {
    transaction whole{*db_};
    drop_old_receipts(*db_, keep_.receipts);
    auto f = read_farm(*db_);
    auto meta = read_meta(*db_);
    f.last_event = meta.last_event;
    f.store_id = meta.store_id;
    whole.commit();
    return f;
  });
}

/// `epoch`: the one in the database.
void sql_store::insist_on_leadership(std::uint64_t epoch) const {
  if (epoch != epoch_)
    throw store_error(failure{failure_code::refused,
                              fmt::format("another server has taken over (epoch {}; ours was {}) "
                                          "in the database {}",
                                          epoch, epoch_, db_->name()),
                              "stop one of the two servers"});
}

/// Enters the change with that number and that many events as the last one; false when it is the
/// last one already. Always changes what it matches, so that the count of rows can be relied upon.
bool sql_store::claim(std::uint64_t number, std::uint64_t events) {
  auto claimed = run(*db_,
                     "UPDATE meta SET change_number = ?, last_event = last_event + ? "
                     "WHERE id = 1 AND epoch = ? AND change_number < ?",
                     number, events, epoch_, number);
  if (claimed == 1)
    return true;
  auto now = read_meta(*db_);
  insist_on_leadership(now.epoch);
  if (now.change_number != number || number == 0)
    throw store_error(failure{failure_code::internal,
                              fmt::format("change {} came after change {} in the database {}",
                                          number, now.change_number, db_->name()),
                              "this is a mistake in the server: please report it"});
  return false;
}

result<std::uint64_t> sql_store::commit(std::uint64_t number, const messages::change& c) {
  return attempt(*db_, [&] {
    if (epoch_ == 0)
      throw store_error(failure{failure_code::internal,
                                fmt::format("change {} came before an epoch was begun in the "
                                            "database {}",
                                            number, db_->name()),
                                "this is a mistake in the server: please report it"});
    return make(number, c);
  });
}

std::uint64_t sql_store::make(std::uint64_t number, const messages::change& c) {
  auto before = std::exchange(last_event_, {});
  auto counted = std::exchange(counted_, {});
  transaction whole{*db_};
  bool is_new = claim(number, c.events.size());
  auto last = is_new && before ? *before + c.events.size() : read_meta(*db_).last_event;
  if (is_new) {
    write_rows(*db_, c);
    auto first_event = last + 1 - c.events.size();
    write_events(*db_, c.events, first_event);
    bool is_due = last / keep_.events_interval > (first_event - 1) / keep_.events_interval;
    if (is_due)
      counted = drop_old_events(*db_, keep_, last, c.events.back().time, counted);
    if (number % keep_.receipts_interval == 0)
      drop_old_receipts(*db_, keep_.receipts);
  }
  whole.commit();
  last_event_ = last;
  counted_ = counted;
  return last;
}

result<std::vector<messages::event>> sql_store::events_after(std::uint64_t seq, std::size_t limit) {
  return attempt(*db_, [&] {
    auto events = read_events(*db_, seq, limit);
    // After the reading: what was stored before another server took over is ours.
    insist_on_leadership(read_meta(*db_).epoch);
    return events;
  });
}

} // namespace deployminator::store
