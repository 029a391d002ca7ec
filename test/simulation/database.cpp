#include "simulation/database.hpp"

#include <fmt/format.h>

namespace deployminator::simulation {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

failure out_of_order() {
  return {failure_code::internal, "the database does not answer", ""};
}

} // namespace

class connection : public store::store {
public:
  connection(database& db, std::string server) : db_(db), server_(std::move(server)) {}

  result<std::uint64_t> begin_epoch() override {
    if (db_.is_away_for(epoch_))
      return out_of_order();
    if (server_ != db_.holder_ && db_.clock_.now() < db_.lease_end_)
      return failure{failure_code::refused, db_.holder_ + " leads", ""};
    db_.holder_ = server_;
    db_.lease_end_ = db_.clock_.now() + ::deployminator::store::first_lease_term;
    db_.last_number_ = 0;
    return epoch_ = ++db_.epoch_;
  }

  result<void> renew_lead() override {
    if (db_.is_away_for(epoch_))
      return out_of_order();
    if (epoch_ != db_.epoch_)
      return db_.taken_over(epoch_);
    db_.lease_end_ = db_.clock_.now() + ::deployminator::store::lease_term;
    return {};
  }

  // Servers are killed here, never asked to end.
  result<void> give_up_lead() override {
    return {};
  }

  result<std::vector<messages::server_row>> servers() override {
    return std::vector<messages::server_row>{};
  }

  result<std::map<std::uint64_t, messages::access_key>> keys() override {
    return db_.farm_.keys;
  }

  result<messages::farm> load() override {
    if (db_.is_away_for(epoch_))
      return out_of_order();
    return db_.farm_;
  }

  result<std::uint64_t> commit(std::uint64_t number, const messages::change& c) override {
    return db_.commit(epoch_, number, c);
  }

  result<std::vector<messages::event>> events_after(std::uint64_t seq, std::size_t limit) override {
    if (db_.is_away_for(epoch_))
      return out_of_order();
    if (epoch_ != db_.epoch_)
      return db_.taken_over(epoch_);
    auto first = std::min<std::size_t>(seq, db_.events_.size());
    auto count = std::min(limit, db_.events_.size() - first);
    auto begin = db_.events_.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<messages::event>(begin, begin + static_cast<std::ptrdiff_t>(count));
  }

private:
  database& db_;
  std::string server_;
  std::uint64_t epoch_ = 0;
};

database::database(timeline& clock, trace& record, std::uint64_t seed)
  : clock_(clock), record_(record), dice_(seed, "database") {}

std::unique_ptr<store::store> database::connect(std::string server) {
  return std::make_unique<connection>(*this, std::move(server));
}

bool database::is_away_for(std::uint64_t epoch) const {
  return trouble.away || (epoch != 0 && trouble.away_for == epoch);
}

failure database::taken_over(std::uint64_t from) const {
  return {failure_code::refused,
          fmt::format("another server has taken over (epoch {}; ours was {})", epoch_, from), ""};
}

result<std::uint64_t> database::commit(std::uint64_t epoch, std::uint64_t number,
                                       const messages::change& c) {
  if (is_away_for(epoch) || (trouble.fails_before > 0 && dice_.chance(trouble.fails_before)))
    return out_of_order();
  if (epoch != epoch_)
    return taken_over(epoch);
  if (number == last_number_)
    return farm_.last_event;
  if (number < last_number_) {
    record_.break_promise("changes are numbered upwards",
                          fmt::format("change {} came after {}", number, last_number_));
    return out_of_order();
  }
  last_number_ = number;
  if (on_commit)
    on_commit(farm_, c);
  messages::apply(farm_, c);
  for (const auto& each : c.events) {
    events_.push_back(each);
    events_.back().seq = events_.size();
  }
  if (after_commit)
    after_commit(c);
  record_.mix(fmt::format("commit {} {} {}", epoch, number, events_.size()));
  if (trouble.fails_after > 0 && dice_.chance(trouble.fails_after))
    return out_of_order();
  return farm_.last_event;
}

} // namespace deployminator::simulation
