#pragma once

#include "agent/linux/child_process.hpp"
#include "agent/linux/watch_loop.hpp"
#include "agent/outside.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace deployminator::agent {

/// What an archive may hold at most.
struct unpack_limits {
  std::uint64_t bytes = std::uint64_t{20} << 30;
  std::uint64_t entries = 200'000;
  std::uint32_t depth = 64;
  /// Bytes out for each byte in, counted once 256 MiB came out.
  std::uint32_t ratio = 200;
};

/// Runs autodeployer-unpack, a few at a time; one that is killed is run again. Everything on the
/// thread of the loop.
class unpacker {
public:
  using on_done = std::function<void(messages::result<void>)>;

  struct job {
    /// Tells it from the others.
    std::string key;
    /// The artifact, opened when the order came: it may leave the cache meanwhile.
    std::shared_ptr<owned_fd> artifact;
    /// Its name says that it is an archive.
    bool archive = false;
    std::string binary;
    /// `binary` is to be run.
    bool runs_binary = true;
    /// An empty directory of the user's own.
    std::string target;
    /// -1: the agent's own.
    std::int64_t uid = -1;
    /// Makes `target` when it is this job's turn.
    std::function<messages::result<void>()> prepare;
    on_done done;
    /// How often it was killed, by somebody else.
    int killed = 0;
  };

  unpacker(watch_loop& loop, std::string program, unpack_limits limits);

  void start(job j);

  /// Ends the job; its `done` says so, now or soon.
  void cancel(const std::string& key);

private:
  struct running_job {
    job what;
    child_process process;
    owned_fd words;
    bool cancelled = false;
  };

  void start_more();
  /// Takes the job where that succeeds.
  messages::result<running_job> begin(job& j);
  void ended(const std::string& key);
  void finish(running_job r, int status);

  watch_loop& loop_;
  std::string program_;
  unpack_limits limits_;
  std::deque<job> waiting_;
  std::map<std::string, running_job> running_;
};

} // namespace deployminator::agent
