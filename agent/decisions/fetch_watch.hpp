#pragma once

#include "agent/decisions/fetch_queue.hpp"
#include "agent/decisions/pace.hpp"

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace deployminator::agent {

/// Looks at the fetches about once a second: which transfers are slow, and what those who wait are
/// told about it.
class fetch_watch {
public:
  using moment = pace::moment;

  /// What was told is told anew no sooner where only the words are others: each is an event.
  static constexpr std::chrono::seconds same_news_after{30};

  /// The transfer of this key gets on; true: that is the first that is seen of it.
  bool see(const std::string& key, const download_progress& progress);

  /// Nobody waits for this key any more.
  void forget(const std::string& key);

  /// Nobody is to be told of this instance any more.
  void forget_waiter(const std::string& id);

  /// How fast each transfer that was seen is, as of now.
  std::vector<std::pair<std::string, transfer_speed>> look(moment now);

  /// What is to be told to which instance: first that it is fetched, once that is seen. What lies
  /// in the cache never is.
  std::vector<std::pair<std::string, fetch_note>> news(const fetch_queue& queue, moment now);

private:
  struct transfer {
    download_progress progress;
    pace speed_of;
  };
  struct told_note {
    fetch_note note;
    moment at;
  };

  [[nodiscard]] fetch_note note_of(const std::string& key) const;
  [[nodiscard]] bool is_news(const std::string& id, const fetch_note& note, moment now) const;

  std::map<std::string, transfer> transfers_;
  /// By instance id.
  std::map<std::string, told_note> told_;
};

} // namespace deployminator::agent
