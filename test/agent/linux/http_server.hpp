#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <sys/types.h>

namespace deployminator::agent::testing {

/// test/support/http_server.py on a directory, until the end of this object.
class http_server {
public:
  explicit http_server(const std::string& directory, const std::string& flags = "")
    : log_(directory + "/requests.log") {
    auto command
      = fmt::format("echo $$; exec {} {} --port 0 --end-with-parent --directory {} "
                    "--log {} {}",
                    DEPLOYMINATOR_PYTHON, DEPLOYMINATOR_HTTP_SERVER, directory, log_, flags);
    output_ = popen(command.c_str(), "re");
    REQUIRE(std::fscanf(output_, "%d %d", &pid_, &port_) == 2);
  }
  ~http_server() {
    stop();
  }
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  void stop() {
    if (output_) {
      ::kill(pid_, SIGTERM);
      pclose(output_);
    }
    output_ = nullptr;
  }

  std::string url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}/{}", port_, path);
  }
  int port() const {
    return port_;
  }

  /// The lines of JSON, one for each answer.
  std::vector<std::string> requests() const {
    std::ifstream in{log_};
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);)
      out.push_back(line);
    return out;
  }

private:
  std::string log_;
  std::FILE* output_ = nullptr;
  pid_t pid_ = 0;
  int port_ = 0;
};

} // namespace deployminator::agent::testing
