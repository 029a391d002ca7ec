#pragma once

#include "agent/decisions/trouble_book.hpp"
#include "messages/wire.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace deployminator::agent {

/// What the server is still to learn of the instances. Every report carries everything that was not
/// confirmed yet, so each confirmation covers all before it.
class report_ledger {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// While a report is not confirmed the next one waits this long, so that many changes travel
  /// together.
  static constexpr std::chrono::milliseconds gap{20};
  /// A report that is not confirmed after this is sent again.
  static constexpr std::chrono::milliseconds repeat_after{1'000};

  /// An instance was seen in a new state.
  void see(messages::observation seen);

  /// Nothing of an instance is left.
  void lose(messages::observation last);

  /// Where the machine's public ports lead now.
  void see(messages::public_ports ports);

  /// All that is wrong with the machine now.
  void see(troubles now);

  /// A session began: what was not confirmed is due at once; `full`: everything is.
  void restart(bool full);

  /// The server has everything up to this revision.
  void confirm(std::uint64_t revision);

  /// When there is something to send, and if so from when on.
  [[nodiscard]] std::optional<time_point> due() const;

  /// The report that is due, or nothing.
  std::optional<messages::report> take(time_point now);

  /// What was seen of an instance last, or null.
  [[nodiscard]] const messages::observation* last_of(const std::string& id) const;

  /// `digest_of` everything that is seen.
  [[nodiscard]] std::uint64_t digest() const;

private:
  struct entry {
    messages::observation last;
    bool gone = false;
    /// The number of its last change.
    std::uint64_t change = 0;
  };

  struct sent_report {
    std::uint64_t change = 0;
    bool full = false;
  };

  struct draft {
    messages::report content;
    /// Everything up to this change is in it.
    std::uint64_t change = 0;
  };

  [[nodiscard]] bool all_confirmed() const;
  [[nodiscard]] draft full_report() const;
  [[nodiscard]] draft partial_report() const;

  [[nodiscard]] std::optional<messages::public_ports> news_of_ports() const;

  std::map<std::string, entry> entries_;
  /// Unset until told the first time.
  std::optional<messages::public_ports> ports_;
  /// The number of their last change.
  std::uint64_t ports_change_ = 0;
  troubles troubles_;
  /// The number of their last change.
  std::uint64_t troubles_change_ = 0;
  /// By revision, those that are not confirmed.
  std::map<std::uint64_t, sent_report> unconfirmed_;
  std::uint64_t last_change_ = 0;
  std::uint64_t confirmed_change_ = 0;
  std::uint64_t sent_change_ = 0;
  std::uint64_t revision_ = 0;
  bool full_ = false;
  std::optional<time_point> last_sent_;
};

} // namespace deployminator::agent
