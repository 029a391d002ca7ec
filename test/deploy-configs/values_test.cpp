#include "deploy-configs/values.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

namespace deployminator::configs {

namespace {

TEST_CASE("a duration is read back from every unit that holds it") {
  CHECK(rc::check([] {
    auto count = *rc::gen::inRange<std::int64_t>(0, 8784);
    auto text = std::to_string(count);
    RC_ASSERT(parse_duration(text + "ms") == messages::duration{count});
    RC_ASSERT(parse_duration(text + "s") == messages::duration{count * 1'000});
    RC_ASSERT(parse_duration(text + "m") == messages::duration{count * 60'000});
    RC_ASSERT(parse_duration(text + "h") == messages::duration{count * 3'600'000});
  }));
  for (const char* wrong : {"", "5", "s", "-1s", "1.5s", "1 s", "1d", "8785h", "5S", "+5s"})
    CHECK_MESSAGE(!parse_duration(wrong), wrong);
}

TEST_CASE("no text makes a reader of values throw") {
  CHECK(rc::check([](const std::string& text) {
    (void)parse_integer(text, -5, 5);
    (void)parse_bool(text);
    (void)parse_duration(text);
    (void)parse_parallelism(text);
    (void)parse_backoff(text + ".." + text);
    (void)parse_give_up(text + " in " + text);
    (void)parse_signal(text);
    (void)parse_port_variable("${PORT" + text);
    (void)wrong_port_variable("${port" + text);
    (void)wrong_url(text + "://" + text);
    (void)wrong_binary(text);
    (void)last_segment(text);
    (void)in_ticks(text);
  }));
}

TEST_CASE("the key that was probably meant is one slip away") {
  const std::vector<std::string> keys{"binary", "instances", "args", "env"};
  CHECK(probably_meant("binray", keys) == "binary");
  CHECK(probably_meant("instance", keys) == "instances");
  CHECK(probably_meant("arg", keys) == "args");
  CHECK(probably_meant("something", keys) == std::nullopt);
  CHECK(probably_meant("", {}) == std::nullopt);
}

TEST_CASE("a long text is shortened between two characters") {
  std::string text(79, 'a');
  text += "äöü";
  CHECK(shown(text) == std::string(79, 'a') + "…");
}

TEST_CASE("the last segment of a URL leaves out query and fragment, that of a file nothing") {
  CHECK(last_segment("https://x/a/b?c=/d#e") == "b");
  CHECK(last_segment("/srv/a?b") == "a?b");
  CHECK(last_segment("https://x") == "");
  CHECK(last_segment("https://x/") == "");
}

} // namespace

} // namespace deployminator::configs
