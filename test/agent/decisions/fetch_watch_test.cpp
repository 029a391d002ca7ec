#include "agent/decisions/fetch_watch.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
using namespace deployminator::messages;
using namespace std::chrono_literals;

namespace {

using notes = std::vector<std::pair<std::string, fetch_note>>;

/// A queue that is looked at every second.
struct watched_queue {
  fetch_queue queue;
  fetch_watch subject;
  fetch_watch::moment now{};
  std::map<std::string, deployminator::agent::download_progress> progress;

  spec_ptr want(const std::string& id, const std::string& url) {
    instance_spec spec;
    spec.id = id;
    spec.app.download_url = url;
    auto out = std::make_shared<const instance_spec>(spec);
    queue.want(out);
    return out;
  }

  /// All that is told within so many seconds.
  notes pass(int seconds) {
    notes out;
    for (int n = 0; n < seconds; ++n) {
      now += 1s;
      for (const auto& [key, each] : progress)
        subject.see(key, each);
      for (const auto& [key, speed] : subject.look(now))
        queue.set_speed(key, speed);
      for (auto& each : subject.news(queue, now))
        out.push_back(std::move(each));
    }
    return out;
  }
};

} // namespace

TEST_CASE_FIXTURE(watched_queue, "of a fetch that goes well nothing is told but that it goes on") {
  auto key = fetch_key(*want("a", "http://x/a.tar"));
  CHECK(pass(1).empty());
  progress[key].bytes = 1;
  CHECK(pass(1) == notes{{"a", {}}});
  for (int n = 0; n < 300; ++n) {
    progress[key].bytes += 100'000;
    CHECK(pass(1).empty());
  }
}

TEST_CASE_FIXTURE(watched_queue, "who waits in line is told what for, and it is not stuck") {
  for (const char* id : {"a", "b", "c", "d"})
    want(id, std::string{"http://x/"} + id + ".tar?token=secret");
  CHECK(pass(100) == notes{{"d", {"queued behind a.tar of x, b.tar of x, c.tar of x", false}}});
}

TEST_CASE_FIXTURE(watched_queue, "three that drip let the fourth have its turn") {
  for (const char* id : {"a", "b", "c", "d"})
    progress[fetch_key(*want(id, std::string{"http://"} + id + "/f"))].bytes = 1;
  auto d = fetch_key(*queue.in_line().front());
  progress.erase(d);
  CHECK(queue.running().size() == 3);
  pass(12);
  CHECK(queue.running().size() == 4);
  CHECK(queue.in_line().empty());
}

TEST_CASE_FIXTURE(watched_queue,
                  "a problem is told, again only now and then, and its end at once") {
  auto key = fetch_key(*want("a", "http://x/a.tar"));
  progress[key].problem = "no";
  CHECK(pass(2) == notes{{"a", {"no; it is tried again", false}}});
  CHECK(pass(2) == notes{{"a", {"no; it is tried again", true}}});
  int told = 0;
  for (int n = 0; n < 60; ++n) {
    progress[key].problem = "no " + std::to_string(n);
    told += static_cast<int>(pass(1).size());
  }
  CHECK(told == 2);
  progress[key].problem.clear();
  progress[key].bytes = 1'000'000;
  CHECK(pass(1) == notes{{"a", {"", false}}});
}

TEST_CASE_FIXTURE(watched_queue, "one that joins later is told as well") {
  auto key = fetch_key(*want("a", "http://x/a.tar"));
  progress[key].problem = "no";
  pass(10);
  want("b", "http://x/a.tar");
  CHECK(pass(10) == notes{{"b", {"no; it is tried again", true}}});
}
