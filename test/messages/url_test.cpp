#include "messages/url.hpp"

#include <doctest/doctest.h>

using namespace deployminator::messages;

TEST_CASE("nobody sees what a URL keeps secret") {
  CHECK(public_url("https://user:secret@example.org:8080/a/b.tar?token=x#y")
        == "https://example.org:8080/a/b.tar");
  CHECK(public_url("http://u@example.org") == "http://example.org");
  CHECK(public_url("http://example.org/a@b.tar") == "http://example.org/a@b.tar");
  CHECK(public_url("/srv/what?.tar") == "/srv/what?.tar");
}
