#include "agent/unpack/entry_policy.hpp"

#include <doctest/doctest.h>

#include <map>
#include <rapidcheck.h>
#include <string>
#include <vector>

using namespace deployminator::agent::unpack;

namespace {

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out{""};
  for (char c : path)
    if (c == '/')
      out.emplace_back();
    else
      out.back() += c;
  return out;
}

using tree = std::map<std::string, std::string>;

/// Follows a path as the kernel would, link by link; false when it leaves the top.
bool stays_inside(const tree& links, std::vector<std::string> todo) {
  std::vector<std::string> at;
  int followed = 0;
  while (!todo.empty()) {
    auto part = todo.front();
    todo.erase(todo.begin());
    if (part.empty() || part == ".")
      continue;
    if (part == "..") {
      if (at.empty())
        return false;
      at.pop_back();
      continue;
    }
    at.push_back(part);
    std::string here;
    for (const auto& a : at)
      here += (here.empty() ? "" : "/") + a;
    auto link = links.find(here);
    if (link == links.end())
      continue;
    if (++followed > 40)
      return true;
    at.pop_back();
    auto more = parts_of(link->second);
    todo.insert(todo.begin(), more.begin(), more.end());
  }
  return true;
}

/// Paths of at most `most` of few names, so that they meet.
rc::Gen<std::string> path_of(std::vector<std::string> names, std::size_t most) {
  auto part = rc::gen::elementOf(std::move(names));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(part),
                      [most](const std::vector<std::string>& parts) {
                        std::string out;
                        for (std::size_t n = 0; n < parts.size() && n < most; ++n)
                          out += (n ? "/" : "") + parts[n];
                        return out;
                      });
}

} // namespace

TEST_CASE("paths are made plain, or refused") {
  CHECK(*checked_path("./a//b/./c/") == "a/b/c");
  CHECK(*checked_path("./") == "");
  CHECK(*checked_path("..a/b..") == "..a/b..");
  CHECK_FALSE(checked_path("/a"));
  CHECK_FALSE(checked_path("a/../b"));
  CHECK_FALSE(checked_path(".."));
}

TEST_CASE("links may lead anywhere inside, and to absolute places") {
  CHECK(check_link("a/b/c", "../../x"));
  CHECK(check_link("a", "b/c"));
  CHECK(check_link("a", "."));
  CHECK_FALSE(check_link("a", ""));
  CHECK(check_link("a", "/x"));
  CHECK_FALSE(check_link("a", ".."));
  CHECK_FALSE(check_link("a/b", "../.."));
  CHECK_FALSE(check_link("a/b", "c/../d"));
}

TEST_CASE("no chain of admitted relative links leads outside") {
  CHECK(rc::check([] {
    auto wanted = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
      rc::gen::pair(path_of({"a", "b", "c", "d", "a", "b", "..", "."}, 2),
                    path_of({"a", "b", "c", "..", "..", ".", ""}, 4)));
    tree links;
    for (const auto& [path, target] : wanted) {
      auto name = checked_path(path);
      // No entry lies below a link: the extraction refuses to write through one.
      bool through = false;
      for (const auto& [other, unused] : links)
        through
          = through || (name && (name->starts_with(other + "/") || other.starts_with(*name + "/")));
      bool relative = !target.starts_with('/');
      if (name && !name->empty() && !through && relative && check_link(*name, target))
        links[*name] = target;
    }
    for (const auto& [name, unused] : links)
      RC_ASSERT(stays_inside(links, parts_of(name)));
  }));
}

TEST_CASE("names are shown without what a terminal would act on") {
  CHECK(shown("a\nb\x1b[1m\x7f") == "a\\x0ab\\x1b[1m\\x7f");
  CHECK(shown(std::string(500, 'x')).size() < 130);
}
