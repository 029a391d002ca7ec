#include "cli/characters.hpp"

#include <doctest/doctest.h>

#include <clocale>
#include <rapidcheck.h>
#include <string>

using namespace deployminator::cli;

TEST_CASE("control characters from outside are made visible") {
  CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
  CHECK(printable("tab\tline\n") == "tab\\x09line\\x0a");
  CHECK(printable("tab\tline\n", true) == "tab\tline\n");
  CHECK(printable("\x7f") == "\\x7f");
  // The same escape as one character, CSI.
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  // What turns the direction of writing.
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");
}

TEST_CASE("text in other scripts stays as it is") {
  CHECK(printable("größe 文字 😀") == "größe 文字 😀");
}

TEST_CASE("bytes that are no UTF-8 are made visible") {
  CHECK(printable("a\xff") == "a\\xff");
  CHECK(printable("\xc3") == "\\xc3");
  // Overlong, and half of a surrogate pair.
  CHECK(printable("\xc0\x9b") == "\\xc0\\x9b");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
}

TEST_CASE("whatever comes in, nothing that a terminal obeys goes out") {
  CHECK(rc::check([](const std::string& anything) {
    for (char each : printable(anything)) {
      auto c = static_cast<unsigned char>(each);
      RC_ASSERT(c >= 0x20 && c != 0x7f);
    }
    RC_ASSERT(printable(printable(anything)) == printable(anything));
  }));
}

TEST_CASE("columns are those of a terminal: none for what combines, two for what is wide") {
  CHECK(columns("größe") == 5);
  CHECK(columns("gro\xcc\x88\xc3\x9f"
                "e")
        == 5);
  CHECK(columns("文字") == 4);
  CHECK(columns("😀") == 2);
  CHECK(columns("\xff\xfe") == 2);
  CHECK(columns("") == 0);
}

TEST_CASE("columns do not depend on the user's locale, and leave it as it is") {
  std::string before = std::setlocale(LC_ALL, nullptr);
  REQUIRE(std::setlocale(LC_ALL, "C") != nullptr);
  CHECK(columns("文字") == 4);
  CHECK(std::string{std::setlocale(LC_ALL, nullptr)} == "C");
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("a text is cut between characters and never within") {
  CHECK(leading("文字", 3) == "文");
  CHECK(leading("o\xcc\x88x", 1) == "o\xcc\x88");
  CHECK(shortened("abcdef", 4, true) == "…def");
  CHECK(shortened("abcdef", 4, true, text_end::end) == "abc…");
  CHECK(shortened("abcdef", 4, false, text_end::end) == "abc~");
  CHECK(shortened("abcdef", 6, true) == "abcdef");
  CHECK(shortened("文字文字", 4, true) == "…字");
  CHECK(shortened("xo\xcc\x88y", 2, true) == "…y");
  CHECK(shortened("abc", 0, true).empty());
}

TEST_CASE("what is shortened fits, from whichever end") {
  CHECK(rc::check([](const std::string& anything) {
    auto text = printable(anything) + "größe 文字 o\xcc\x88";
    auto width = *rc::gen::inRange<std::size_t>(0, 40);
    for (auto end : {text_end::beginning, text_end::end}) {
      auto shown = shortened(text, width, true, end);
      RC_ASSERT(columns(shown) <= width);
      RC_ASSERT(printable(shown) == shown);
    }
    RC_ASSERT(columns(padded(text, width)) >= width);
  }));
}
