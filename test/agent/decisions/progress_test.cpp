#include "agent/decisions/progress.hpp"

#include <doctest/doctest.h>

using namespace deployminator::agent;
namespace messages = deployminator::messages;

TEST_CASE("progress is told once for each group and version that waits") {
  auto waits = [](const std::string& id, const std::string& group) {
    messages::instance_spec spec;
    spec.id = id;
    spec.namespace_ = "shop";
    spec.group = group;
    spec.version = 3;
    spec.app.download_url = "http://u:p@h/x.tar";
    return std::make_shared<const messages::instance_spec>(spec);
  };
  auto events
    = progress_events("m1", {waits("a", "front"), waits("b", "back"), waits("c", "front")},
                      {250, 1'000, 250.0}, {77});
  REQUIRE(events.size() == 2);
  CHECK(events[0].group == "back");
  CHECK(events[1].group == "front");
  CHECK(events[1].version == 3);
  CHECK(events[1].time.microseconds == 77);
  auto what = std::get<messages::download_progress>(events[1].what);
  CHECK(what.instances == std::vector<std::string>{"a", "c"});
  CHECK(what.artifact == "http://h/x.tar");
  CHECK(what.eta == 3.0);
}
