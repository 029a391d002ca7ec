#pragma once

#include "store/connection.hpp"
#include "store/old_events.hpp"
#include "store/store.hpp"

#include <memory>
#include <optional>

namespace deployminator::store {

/// The store over any database that has a `connection`.
class sql_store final : public store {
public:
  /// `db` has been migrated.
  explicit sql_store(std::unique_ptr<connection> db, const retention& keep = {},
                     this_server self = {});

  messages::result<std::uint64_t> begin_epoch() override;
  messages::result<void> renew_lead() override;
  messages::result<void> give_up_lead() override;
  messages::result<std::vector<messages::server_row>> servers() override;
  messages::result<std::map<std::uint64_t, messages::access_key>> keys() override;
  messages::result<messages::farm> load() override;
  messages::result<std::uint64_t> commit(std::uint64_t number, const messages::change& c) override;
  messages::result<std::vector<messages::event>> events_after(std::uint64_t seq,
                                                              std::size_t limit) override;

private:
  void insist_on_leadership(std::uint64_t epoch) const;
  bool claim(std::uint64_t number, std::uint64_t events);
  std::uint64_t make(std::uint64_t number, const messages::change& c);

  std::unique_ptr<connection> db_;
  retention keep_;
  this_server self_;
  /// The one this store took; 0 before.
  std::uint64_t epoch_ = 0;
  /// The number of the newest event, where the last commit told it: nobody else makes any in this
  /// epoch.
  std::optional<std::uint64_t> last_event_;
  /// What the last commit left of the events; counted anew after one that failed.
  counted_events counted_;
};

} // namespace deployminator::store
