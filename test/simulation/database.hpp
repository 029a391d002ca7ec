#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/timeline.hpp"
#include "simulation/trace.hpp"

namespace deployminator::simulation {

/// What is wrong with the database; probabilities of each commit.
struct database_trouble {
  /// Nothing can be asked or stored.
  bool away = false;
  /// Nothing by the server of this epoch.
  std::uint64_t away_for = 0;
  double fails_before = 0;
  /// The change is made, and the answer is lost.
  double fails_after = 0;
};

/// The database, which outlives servers: keeps what `store::store` promises, in memory.
class database {
public:
  database(timeline& clock, trace& record, std::uint64_t seed);

  /// A connection of the server with this name; the database must outlive it.
  std::unique_ptr<store::store> connect(std::string server);

  /// Sees every change just before it is made.
  std::function<void(const messages::farm& before, const messages::change& made)> on_commit;

  /// Sees it again when it is made.
  std::function<void(const messages::change& made)> after_commit;

  [[nodiscard]] const messages::farm& farm() const {
    return farm_;
  }
  [[nodiscard]] const std::vector<messages::event>& events() const {
    return events_;
  }
  [[nodiscard]] std::uint64_t epoch() const {
    return epoch_;
  }

  database_trouble trouble;

private:
  friend class connection;
  [[nodiscard]] bool is_away_for(std::uint64_t epoch) const;
  [[nodiscard]] messages::failure taken_over(std::uint64_t from) const;
  messages::result<std::uint64_t> commit(std::uint64_t epoch, std::uint64_t number,
                                         const messages::change& c);

  timeline& clock_;
  trace& record_;
  dice dice_;
  messages::farm farm_;
  std::vector<messages::event> events_;
  std::uint64_t epoch_ = 0;
  std::uint64_t last_number_ = 0;
  /// Who leads, and until when nobody else does.
  std::string holder_;
  moment lease_end_{0};
};

} // namespace deployminator::simulation
