#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace deployminator::bench {

/// The real server, with a store of its own in a temporary directory that goes with it.
class server_process {
public:
  /// `program`: the executable. Starts nothing yet. Throws where there is no such program, or no
  /// directory can be made.
  explicit server_process(std::filesystem::path program);
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  /// Returns when it serves; throws where it ends, or does not get there in time.
  void start(std::chrono::seconds timeout);

  bool runs();

  /// SIGKILL, and waits for its end.
  void kill();

  /// SIGSTOP and SIGCONT.
  void pause();
  void go_on();

  /// Processor time since its start, of user and system.
  double cpu_seconds() const;
  /// The memory that is its alone.
  double anon_mb() const;

  std::uint16_t port() const;
  std::string endpoint() const;

private:
  std::vector<std::string> arguments() const;
  std::filesystem::path log() const;

  std::filesystem::path program_;
  std::filesystem::path directory_;
  std::vector<std::uint16_t> ports_;
  pid_t pid_ = 0;
};

} // namespace deployminator::bench
