#include "agent/linux/unpacked_trees.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kept_for{60};
constexpr unsigned most_workers = 4;

failure was_cancelled(const std::string& id) {
  return {failure_code::refused,
          fmt::format("unpacking the artifact of instance {} was cancelled", id),
          {}};
}

/// What is unpacked alike. The file is one of the cache, so whoever changed it made it another.
std::string key_of(const unpacked_trees::job& j) {
  struct stat info {};
  fstat(j.artifact->get(), &info);
  auto print = fingerprint_of(info);
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", info.st_dev, print.inode, print.size,
                     print.modified.count(), j.archive, j.runs_binary, j.binary);
}

} // namespace

unpacked_trees::unpacked_trees(watch_loop& loop, reservations& reserved, directories where,
                               const std::string& unpack_program, unpack_limits limits,
                               std::function<void(const std::string&)> discard)
  : loop_(loop), reserved_(reserved), where_(std::move(where)), discard_(std::move(discard)),
    is_root_(geteuid() == 0), next_(std::chrono::system_clock::now().time_since_epoch().count()),
    unpacker_(loop, unpack_program, limits) {
  for (auto n = std::clamp(std::thread::hardware_concurrency(), 1U, most_workers); n > 0; --n)
    workers_.push_back(std::make_unique<watch_loop>());
}

void unpacked_trees::discard_earlier() {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it{where_.trees(), error}, end; !error && it != end;
       it.increment(error))
    names.push_back(it->path());
  std::for_each(names.begin(), names.end(), discard_);
}

void unpacked_trees::stop() {
  for (auto& [id, is_cancelled] : cancelled_)
    *is_cancelled = true;
  workers_.clear();
}

void unpacked_trees::work(std::function<void()> what) {
  if (!workers_.empty())
    workers_[next_worker_++ % workers_.size()]->post(std::move(what));
}

// -- jobs -----------------------------------------------------------------------------------------

void unpacked_trees::lay_out(job j) {
  cancelled_[j.id] = std::make_shared<std::atomic<bool>>(false);
  begin(std::make_shared<job>(std::move(j)));
}

void unpacked_trees::begin(const job_ptr& j) {
  auto key = key_of(*j);
  auto [found, is_new] = sources_.try_emplace(key);
  if (auto tree = found->second.tree)
    return copy(key, j, tree);
  found->second.waiting.push_back(j);
  if (is_new)
    unpack(key);
}

void unpacked_trees::end(const job_ptr& j, const outcome& result) {
  cancelled_.erase(j->id);
  j->done(result);
}

void unpacked_trees::end_all(const std::string& key, const outcome& result) {
  auto node = sources_.extract(key);
  discard_(node.mapped().directory);
  for (const auto& j : node.mapped().waiting)
    end(j, result);
}

void unpacked_trees::cancel(const std::string& id) {
  auto flagged = cancelled_.find(id);
  if (flagged == cancelled_.end())
    return;
  *flagged->second = true;
  for (auto& [key, s] : sources_) {
    auto found = std::find_if(s.waiting.begin(), s.waiting.end(),
                              [&](const job_ptr& j) { return j->id == id; });
    if (found == s.waiting.end())
      continue;
    auto j = *found;
    s.waiting.erase(found);
    if (s.waiting.empty()) {
      s.is_cancelled = true;
      unpacker_.cancel(std::string{key});
    }
    return end(j, was_cancelled(id));
  }
}

void unpacked_trees::keep_house(clock::time_point now) {
  std::erase_if(sources_, [now](const auto& each) {
    return each.second.tree && now - each.second.used > kept_for;
  });
}

// -- unpacking ------------------------------------------------------------------------------------

void unpacked_trees::unpack(const std::string& key) {
  auto& s = sources_.at(key);
  s.is_cancelled = false;
  s.directory = fmt::format("{}/{}", where_.trees(), next_++);
  if (is_root_) {
    auto user = reserved_.user(-1);
    if (!user)
      return end_all(key, user.error());
    s.user = std::move(*user);
  }
  unpacker::job what;
  what.key = key;
  what.artifact = s.waiting.front()->artifact;
  what.archive = s.waiting.front()->archive;
  what.binary = s.waiting.front()->binary;
  what.runs_binary = s.waiting.front()->runs_binary;
  what.target = s.directory;
  what.uid = is_root_ ? s.user.number : -1;
  what.prepare = [this, key] { return make_room(sources_.at(key)); };
  what.done = [this, key](const outcome& result) { unpacked(key, result); };
  unpacker_.start(std::move(what));
}

unpacked_trees::outcome unpacked_trees::make_room(const source& s) {
  auto user = static_cast<uid_t>(s.user.number);
  discard_(s.directory);
  // Somebody may have removed all of them.
  for (const auto& directory : {where_.trees(), s.directory})
    if (mkdir(directory.c_str(), 0700) && errno != EEXIST)
      return file_failure("create the directory", directory);
  if (is_root_ && lchown(s.directory.c_str(), user, user))
    return file_failure("give away the directory", s.directory);
  return {};
}

void unpacked_trees::unpacked(const std::string& key, const outcome& result) {
  auto& s = sources_.at(key);
  if (is_root_)
    reserved_.free_user(std::exchange(s.user, {}).number);
  if (s.waiting.empty() || (!result && !s.is_cancelled))
    return end_all(key, result);
  if (result)
    return look_through(key);
  // Somebody else came after it was cancelled.
  discard_(s.directory);
  unpack(key);
}

void unpacked_trees::look_through(const std::string& key) {
  work([this, key, directory = sources_.at(key).directory] {
    using found = result<std::shared_ptr<unpacked_tree>>;
    auto tree = unpacked_tree::of(directory, is_root_);
    auto remove = [this](unpacked_tree* each) {
      discard_(each->path());
      std::default_delete<unpacked_tree>{}(each);
    };
    auto out
      = tree ? found{std::shared_ptr<unpacked_tree>{tree->release(), remove}} : found{tree.error()};
    // The last who lets go of a tree has to be the loop.
    loop_.post(
      [this, key, out = std::move(out)]() mutable { looked_through(key, std::move(out)); });
  });
}

void unpacked_trees::looked_through(const std::string& key,
                                    result<std::shared_ptr<unpacked_tree>> tree) {
  auto& s = sources_.at(key);
  if (!tree || s.waiting.empty())
    return end_all(key, tree ? outcome{} : tree.error());
  auto waiting = std::exchange(s.waiting, {});
  if (waiting.size() == 1) {
    sources_.erase(key);
    return move(waiting.front(), std::move(*tree));
  }
  s.tree = *tree;
  for (const auto& j : waiting)
    copy(key, j, *tree);
}

// -- laying out -----------------------------------------------------------------------------------

void unpacked_trees::move(const job_ptr& j, std::shared_ptr<unpacked_tree> tree) {
  if (auto prepared = j->prepare(); !prepared)
    return end(j, prepared);
  work([this, j, tree = std::move(tree)]() mutable {
    auto moved = tree->move_to(j->target, j->uid);
    loop_.post([this, j, tree = std::move(tree), moved] { end(j, moved); });
  });
}

void unpacked_trees::copy(const std::string& key, const job_ptr& j,
                          std::shared_ptr<unpacked_tree> tree) {
  if (auto prepared = j->prepare(); !prepared)
    return end(j, prepared);
  work([this, key, j, tree = std::move(tree), is_cancelled = cancelled_.at(j->id)]() mutable {
    auto done = tree->copy_to(j->target, j->uid, *is_cancelled);
    loop_.post([this, key, j, tree = std::move(tree), done] { copied(key, j, tree, done); });
  });
}

void unpacked_trees::copied(const std::string& key, const job_ptr& j,
                            const std::shared_ptr<unpacked_tree>& tree, const outcome& result) {
  auto found = sources_.find(key);
  bool is_current = found != sources_.end() && found->second.tree == tree;
  if (is_current)
    found->second.used = clock::now();
  if (*cancelled_.at(j->id))
    return end(j, was_cancelled(j->id));
  if (result || result.error().code != failure_code::mismatch)
    return end(j, result);
  if (is_current)
    sources_.erase(found);
  begin(j);
}

} // namespace deployminator::agent
