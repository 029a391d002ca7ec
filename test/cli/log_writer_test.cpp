#include "cli/log_writer.hpp"

#include <doctest/doctest.h>

using namespace deployminator;
using namespace deployminator::cli;

namespace {

struct recorder {
  explicit recorder(log_form form) : out(form, [this](const std::string& s) { written += s; }) {}
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

TEST_CASE("the output of one instance goes on unaltered") {
  recorder r{log_form::raw};
  r.take("a", std::string_view{"\x1b[1m\0x", 6});
  r.finish();
  CHECK(r.written == std::string{"\x1b[1m\0x", 6});
}

TEST_CASE("on a terminal control characters are made visible") {
  recorder r{log_form::lines};
  r.take("a", "one\n\x1b[2Jtwo\tthree");
  r.finish();
  CHECK(r.written == "one\n\\x1b[2Jtwo\tthree\n");
}

TEST_CASE("lines of several instances do not mix") {
  recorder r{log_form::prefixed_lines};
  r.take("a", "be");
  r.take("b", "other\n");
  r.take("a", "gun\nnext");
  CHECK(r.written == "b | other\na | begun\n");
  r.finish();
  CHECK(r.written == "b | other\na | begun\na | next\n");
}

TEST_CASE("a character that comes in two pieces stays one") {
  recorder r{log_form::lines};
  r.take("a", "gr\xc3");
  r.take("a", "\xb6\xc3\x9f"
              "e\n");
  CHECK(r.written == "größe\n");
}

TEST_CASE("a line without end is shown in pieces") {
  recorder r{log_form::lines};
  r.take("a", std::string(70'000, 'x'));
  CHECK(r.written.size() == 70'001);
}

TEST_CASE("as JSON each line is an object") {
  recorder r{log_form::json_lines};
  r.take("a", "one\n");
  CHECK(r.written
        == R"({"type":"log","time":"1970-01-01T00:00:01.000000Z","id":"a","text":"one"})"
           "\n");
}

TEST_CASE("what is not followed is one JSON document, also when it is empty") {
  recorder r{log_form::json_document};
  r.finish();
  CHECK(r.written == "[]\n");
  recorder two{log_form::json_document};
  two.take("a", "one\ntwo");
  CHECK(two.written.empty());
  two.finish();
  auto document = json::parse(two.written);
  REQUIRE(document.size() == 2);
  CHECK(document[1]["text"] == "two");
}
