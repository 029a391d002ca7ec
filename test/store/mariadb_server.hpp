#pragma once

#include "test/store/temporary_directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace deployminator::test {

/// A MariaDB of its own in a temporary directory, on loopback, whose `root` needs no password.
/// Needs no rights; as root it runs as nobody. Goes with everything in it. What was committed
/// survives its being killed, not the machine's.
class mariadb_server {
public:
  /// Where its program is; empty: not installed.
  static std::string program();

  /// Makes its files, and starts it.
  mariadb_server();
  mariadb_server(const mariadb_server&) = delete;
  mariadb_server& operator=(const mariadb_server&) = delete;
  ~mariadb_server();

  /// Starts it with further arguments and waits until it answers. It must have ended.
  void start(const std::vector<std::string>& arguments = {});
  /// Sends the signal and waits for its end.
  void end(int signal);
  /// It answers no more, until it may `go_on`.
  void freeze();
  void go_on();

  [[nodiscard]] std::uint16_t port() const {
    return port_;
  }
  /// `mysql://root@127.0.0.1:PORT/DB`.
  [[nodiscard]] std::string url(const std::string& database) const;
  /// A file of its directory, which its user may read.
  [[nodiscard]] std::string file(const std::string& name) const {
    return directory_.file(name);
  }

private:
  void run(const std::string& program, std::vector<std::string> arguments, bool waits);

  temporary_directory directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

} // namespace deployminator::test
