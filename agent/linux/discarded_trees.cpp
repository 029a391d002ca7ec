#include "agent/linux/discarded_trees.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace deployminator::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = ".removed.";

} // namespace

discarded_trees::discarded_trees(std::string below)
  : below_(std::move(below)), next_(std::chrono::system_clock::now().time_since_epoch().count()) {}

bool discarded_trees::is_one(std::string_view name) {
  return name.starts_with(prefix);
}

std::string discarded_trees::next_name() {
  return fmt::format("{}/{}{}", below_, prefix, next_++);
}

void discarded_trees::discard(const std::string& path) {
  auto gone = next_name();
  if (rename(path.c_str(), gone.c_str()) == 0)
    janitor_.post([gone] { (void)remove_tree(gone); });
}

void discarded_trees::discard(const std::string& path, on_gone done) {
  auto gone = next_name();
  if (rename(path.c_str(), gone.c_str()) && errno != ENOENT)
    return done(file_failure("remove", path));
  janitor_.post([gone, done = std::move(done)] { done(remove_tree(gone)); });
}

void discarded_trees::clean_up() {
  std::error_code error;
  for (fs::directory_iterator it{below_, error}, end; !error && it != end; it.increment(error))
    if (is_one(it->path().filename().string()))
      janitor_.post([left = it->path().string()] { (void)remove_tree(left); });
}

} // namespace deployminator::agent
