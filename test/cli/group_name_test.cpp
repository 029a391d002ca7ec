#include "cli/group_name.hpp"

#include <doctest/doctest.h>

using namespace deployminator::cli;

TEST_CASE("a group is a namespace and a name with one slash between") {
  CHECK(group_from_text("shop/web") == group_name{"shop", "web"});
  for (const char* wrong : {"", "shop", "/web", "shop/", "shop/web/x", "/"})
    CHECK_FALSE(group_from_text(wrong));
}

TEST_CASE("a namespace alone stands for its groups") {
  CHECK(namespace_or_group_from_text("shop") == group_name{"shop", ""});
  CHECK(namespace_or_group_from_text("shop/web") == group_name{"shop", "web"});
  CHECK_FALSE(namespace_or_group_from_text(""));
  CHECK_FALSE(namespace_or_group_from_text("shop/"));
}

TEST_CASE("a group is written as it is read") {
  CHECK(to_text({"shop", "web"}) == "shop/web");
  CHECK(to_text({"shop", ""}) == "shop");
  CHECK(to_text({"sh\x1bop", "web"}) == "sh\\x1bop/web");
}
