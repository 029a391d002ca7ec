#include "agent/starter/line_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <rapidcheck.h>
#include <string>
#include <vector>

using namespace deployminator::agent::starter;

namespace {

struct line {
  std::string text;
  bool is_ended = false;
  bool goes_on = false;
};

/// Everything that comes of `text` when it is read in parts of `step` bytes, and then ends.
std::vector<line> pieces_of(const std::string& text, std::size_t step) {
  auto buffer = std::make_unique<line_buffer>();
  std::vector<line> out;
  piece next;
  auto keep = [&] {
    out.push_back({std::string{next.text, next.size}, next.is_ended, next.goes_on});
    if (next.is_ended)
      CHECK(next.text[next.size] == '\n');
  };
  for (std::size_t at = 0; at < text.size();) {
    auto* space = buffer->space();
    auto size = std::min({step, buffer->room(), text.size() - at});
    REQUIRE(size > 0);
    std::copy_n(text.data() + at, size, space);
    buffer->add(size);
    at += size;
    while (buffer->next(next))
      keep();
  }
  if (buffer->rest(next, false))
    keep();
  return out;
}

} // namespace

TEST_CASE("lines are split where they end, the last one where all ends") {
  auto out = pieces_of("one\n\nthree", 4);
  REQUIRE(out.size() == 3);
  CHECK(out[0].text == "one");
  CHECK(out[0].is_ended);
  CHECK(out[1].text.empty());
  CHECK(out[2].text == "three");
  CHECK_FALSE(out[2].is_ended);
  CHECK_FALSE(out[2].goes_on);
}

TEST_CASE("a line that does not fit comes in pieces") {
  auto out = pieces_of(std::string(line_buffer::capacity + 5, 'x') + "\nshort\n", 100'000);
  REQUIRE(out.size() == 3);
  CHECK(out[0].goes_on);
  CHECK(out[0].text.size() == line_buffer::capacity);
  CHECK(out[1].text == "xxxxx");
  CHECK_FALSE(out[1].goes_on);
  CHECK(out[2].text == "short");
}

TEST_CASE("a line that was to go on and ends with nothing more has an end of its own") {
  auto out = pieces_of(std::string(line_buffer::capacity, 'x'), 100'000);
  REQUIRE(out.size() == 2);
  CHECK(out[0].goes_on);
  CHECK(out[1].text.empty());
  CHECK_FALSE(out[1].goes_on);
}

TEST_CASE("whatever is printed, in whatever parts, can be put together again") {
  CHECK(rc::check([] {
    std::string text;
    for (auto size : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12'000)))
      text += std::string(static_cast<std::size_t>(size), 'x') + '\n';
    auto step = *rc::gen::inRange<std::size_t>(1, 9'000);
    std::string again;
    for (const auto& each : pieces_of(text, step))
      again += each.goes_on ? each.text : each.text + '\n';
    RC_ASSERT(again == text);
  }));
}
