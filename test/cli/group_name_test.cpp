#include "cli/group_name.hpp"

#include <doctest/doctest.h>

using namespace deployminator::cli;

TEST_CASE("a group is a namespace and a name with one slash between") {
  CHECK(group_from_text("shop/web") == group_name{"shop", "web"});
  for (const char* wrong : {"", "shop", "/web", "shop/", "shop/web/x", "/"})
    CHECK_FALSE(group_from_text(wrong));
}

TEST_CASE("an application of a group stands behind another slash, all of them behind none") {
  auto one = group_part_from_text("shop/web/server");
  REQUIRE(one);
  CHECK(one->of == group_name{"shop", "web"});
  CHECK(one->application == "server");
  auto all = group_part_from_text("shop/web");
  REQUIRE(all);
  CHECK(all->of == group_name{"shop", "web"});
  CHECK(all->application.empty());
  for (const char* wrong : {"", "shop", "shop/", "shop//server", "shop/web/", "shop/web/a/b"})
    CHECK_FALSE(group_part_from_text(wrong));
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
