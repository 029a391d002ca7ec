#include "agent/decisions/content_kind.hpp"

#include <doctest/doctest.h>

#include <rapidcheck.h>
#include <string>

using namespace deployminator::agent;
using namespace std::literals;

TEST_CASE("the first bytes tell what an artifact is") {
  CHECK(kind_of_content("") == content_kind::nothing);
  CHECK(kind_of_content("\x7f\x45LF\x02"s) == content_kind::program);
  CHECK(kind_of_content("#!/bin/sh\n") == content_kind::program);
  CHECK(kind_of_content("\x1f\x8b\x08\0"s) == content_kind::compressed);
  CHECK(kind_of_content("BZh91AY") == content_kind::compressed);
  CHECK(kind_of_content("BZhello") == content_kind::other);
  CHECK(kind_of_content("\xfd\x37zXZ\0\0"s) == content_kind::compressed);
  CHECK(kind_of_content("\x28\xb5\x2f\xfd\x04"s) == content_kind::compressed);
  CHECK(kind_of_content("PK\3\4"s + std::string(26, 'x') + "dist/run") == content_kind::archive);
  CHECK(kind_of_content("PK\3\4"s + std::string(26, 'x') + "META-INF/") == content_kind::program);
  CHECK(kind_of_content("PK\5\6"s + std::string(18, 0)) == content_kind::archive);
  CHECK(kind_of_content(std::string(512, 0)) == content_kind::archive);
  CHECK(kind_of_content(std::string(511, 0)) == content_kind::other);
  CHECK(kind_of_content("text") == content_kind::other);
}

TEST_CASE("a page of HTML is told by how it begins") {
  CHECK(kind_of_content("<html><body>") == content_kind::page);
  CHECK(kind_of_content("\xef\xbb\xbf \r\n<!DOCTYPE HTML>") == content_kind::page);
  CHECK(kind_of_content("<xml>") == content_kind::other);
}

TEST_CASE("whatever the bytes are, something is said about them") {
  CHECK(rc::check([](const std::string& text) { (void)kind_of_content(text); }));
}
