#include "cli/json.hpp"
#include "messages/wire.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;

TEST_CASE("an instance has the keys and values that scripts know") {
  messages::instance_row i{.id = "web-k3",
                           .namespace_ = "shop",
                           .group = "web",
                           .application = "web",
                           .version = 12,
                           .build = 57,
                           .machine = "w1",
                           .state = messages::instance_state::ready,
                           .pid = 4711,
                           .ports = {4100, 4101},
                           .started_at = messages::timestamp{1'000'000},
                           .services = {{"http", 4100, {"rest"}}}};
  auto j = to_json(i);
  CHECK(j["namespace"] == "shop");
  CHECK(j["state"] == "ready");
  CHECK(j["ports"] == json{4100, 4101});
  CHECK(j["started_at"] == "1970-01-01T00:00:01.000000Z");
  CHECK(j["ready_at"].is_null());
  CHECK(j["exit"].is_null());
  CHECK(j["services"][0]["types"][0] == "rest");
}

TEST_CASE("an event is one line with its header's keys first") {
  messages::event e{
    7,     {1'000'000}, "shop",
    "web", 12,          messages::rollout_finished{messages::rollout_outcome::failed, "no\nway"}};
  CHECK(one_line(to_json(e))
        == R"({"seq":7,"time":"1970-01-01T00:00:01.000000Z","type":"rollout.finished",)"
           R"("namespace":"shop","group":"web","version":12,"outcome":"failed","reason":"no\nway",)"
           R"("rollout":0,"left":0})"
           "\n");
}

TEST_CASE("bytes that are no UTF-8 do not stop the output") {
  messages::failure why{messages::failure_code::refused, "a\xff", "b"};
  CHECK(one_line(error_json(why))
        == "{\"error\":{\"code\":\"refused\",\"message\":\"a\xef\xbf\xbd\",\"hint\":\"b\"}}\n");
}

TEST_CASE("no rows are an empty array") {
  CHECK(indented(to_json(std::vector<messages::instance_row>{})) == "[]\n");
}
