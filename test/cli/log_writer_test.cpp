#include "cli/log_writer.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;

namespace {

constexpr auto lines = log_form::lines;
const std::string at = "2026-11-27T05:40:10.123456Z";

struct recorder {
  explicit recorder(log_form form, log_prefix prefix = {})
    : out(form, prefix, [this](const std::string& s) { written += s; }) {}
  void take(const std::string& id, std::string_view data) {
    out.take(id, data, {1'000'000});
  }
  void finish() {
    out.finish({1'000'000});
  }

  std::string written;
  log_writer out;
};

} // namespace

TEST_CASE("the text of a line is shown, safe for a terminal") {
  recorder r{lines};
  r.take("a", at + " out one\n" + at + " err \x1b[2Jtwo\tthree\xff\n");
  CHECK(r.written == "one\n\\x1b[2Jtwo\tthree\\xff\n");
}

TEST_CASE("what the log itself tells is marked") {
  recorder r{lines};
  r.take("a", at + " sys dropped 1 line\n");
  CHECK(r.written == "-- dropped 1 line\n");
}

TEST_CASE("lines of several instances and sources do not mix") {
  recorder r{lines, {.id = true}};
  r.take("a", at + " out+ be\n" + at + " err wrong\n");
  r.take("b", at + " out other\n");
  r.take("a", at + " out gun\n" + at + " out+ next\n");
  CHECK(r.written == "a | wrong\nb | other\na | begun\n");
  r.finish();
  CHECK(r.written == "a | wrong\nb | other\na | begun\na | next\n");
}

TEST_CASE("times are shown on demand, and are those of the beginning") {
  recorder r{lines, {.time = true, .id = true}};
  r.take("a", at + " out+ be\n2026-11-27T05:40:11.000000Z out gun\n" + at + " sys dropped\n");
  CHECK(r.written
        == "2026-11-27 05:40:10.123456 UTC out a | begun\n"
           "2026-11-27 05:40:10.123456 UTC sys a | dropped\n");
}

TEST_CASE("a line or a character that comes in two pieces stays one") {
  recorder r{lines};
  r.take("a", at + " out gr\xc3");
  r.take("a", "\xb6\xc3\x9f"
              "e\nno");
  CHECK(r.written == "größe\n");
  r.take("a", " time\n");
  CHECK(r.written == "größe\nno time\n");
}

TEST_CASE("a line without end is shown in pieces") {
  recorder r{lines};
  r.take("a", std::string(70'000, 'x'));
  CHECK(r.written.size() == 70'001);
  recorder pieces{lines};
  for (int n = 0; n < 20; ++n)
    pieces.take("a", at + " out+ " + std::string(4'096, 'x') + "\n");
  CHECK(pieces.written.size() == 17 * 4'096 + 1);
}

TEST_CASE("as JSON each line is an object") {
  recorder r{log_form::json_lines};
  r.take("a", at + " err one\n");
  CHECK(
    r.written
    == R"({"type":"log","time":"2026-11-27T05:40:10.123456Z","id":"a","stream":"err","text":"one"})"
       "\n");
  r.written.clear();
  r.take("a", "undated\n");
  CHECK(json::parse(r.written)["time"] == "1970-01-01T00:00:01.000000Z");
}

TEST_CASE("the end of an instance comes after its last line") {
  recorder r{log_form::json_lines};
  r.take("a", at + " out+ last");
  r.out.end("a", {2'000'000}, "exited with code 3");
  auto first = r.written.find('\n');
  CHECK(json::parse(r.written.substr(0, first))["text"] == "last");
  CHECK(
    r.written.substr(first + 1)
    == R"({"type":"log.end","time":"1970-01-01T00:00:02.000000Z","id":"a","reason":"exited with code 3"})"
       "\n");
}

TEST_CASE("what is not followed is one JSON document, also when it is empty") {
  recorder r{log_form::json_document};
  r.finish();
  CHECK(r.written == "[]\n");
  recorder two{log_form::json_document};
  two.take("a", at + " out one\n" + at + " out two");
  CHECK(two.written.empty());
  two.finish();
  auto document = json::parse(two.written);
  REQUIRE(document.size() == 2);
  CHECK(document[1]["text"] == "two");
}
