#include "messages/timestamp.hpp"
#include "test/messages/samples.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>

using namespace deployminator::messages;

TEST_CASE("a moment is written as RFC 3339 in UTC with microseconds") {
  CHECK(to_text(timestamp{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(to_text(timestamp{1'769'851'800'000'001}) == "2026-01-31T09:30:00.000001Z");
  CHECK(to_text(timestamp{-1}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("a moment that was written is read back") {
  CHECK(rc::check([] {
    auto t = samples::any_timestamp();
    RC_ASSERT(timestamp_from_text(to_text(t)) == t);
  }));
  CHECK(timestamp_from_text("2024-02-29T23:59:59.999999Z").has_value());
}

TEST_CASE("text in another form is no moment") {
  for (const auto* text :
       {"", "now", "2026-01-31", "2026-01-31T09:30:00Z", "2026-01-31T09:30:00.1Z",
        "2026-01-31T09:30:00.000001", "2026-01-31T09:30:00.000001Z ",
        " 2026-01-31T09:30:00.000001Z", "2026-13-31T09:30:00.000001Z",
        "2026-02-30T09:30:00.000001Z", "2026-01-31T25:30:00.000001Z", "2026-01-31T09:30:00.+00001Z",
        "-026-01-31T09:30:00.000001Z", "2026-01-31T09:30:00.000001+02:00"})
    CHECK_MESSAGE(!timestamp_from_text(text), std::string{text});
}

TEST_CASE("the system's clock gives a moment of this century") {
  CHECK(to_text(system_utc_now()).substr(0, 2) == "20");
}
