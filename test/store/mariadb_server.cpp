#include "test/store/mariadb_server.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <grp.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace deployminator::test {

namespace {

using namespace std::chrono_literals;

constexpr uid_t nobody = 65534;
constexpr auto longest_start = 60s;

// What makes it small and quick. The log is written with each commit, and not synced: a process
// that is killed loses nothing.
const std::vector<std::string> small_and_quick{
  "--innodb-log-file-size=8M",
  "--innodb-buffer-pool-size=16M",
  "--innodb-flush-log-at-trx-commit=1",
  "--innodb-flush-method=nosync",
  "--innodb-doublewrite=0",
  "--skip-log-bin",
  "--performance-schema=OFF",
  "--innodb-buffer-pool-dump-at-shutdown=OFF",
  "--innodb-buffer-pool-load-at-startup=OFF",
  "--skip-name-resolve",
  "--aria-pagecache-buffer-size=8M",
  "--key-buffer-size=64K",
  "--sync-frm=OFF",
  "--innodb-fast-shutdown=2",
  "--max-allowed-packet=64M",
};

class tcp_socket {
public:
  explicit tcp_socket(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  tcp_socket(const tcp_socket&) = delete;
  tcp_socket& operator=(const tcp_socket&) = delete;
  ~tcp_socket() {
    ::close(socket_);
  }

  bool connects() {
    return ::connect(socket_, as_generic(), sizeof address_) == 0;
  }
  std::uint16_t bound_port() {
    socklen_t size = sizeof address_;
    if (::bind(socket_, as_generic(), size) != 0
        || ::getsockname(socket_, as_generic(), &size) != 0)
      throw std::runtime_error("no port is free");
    return ntohs(address_.sin_port);
  }

private:
  sockaddr* as_generic() {
    return reinterpret_cast<sockaddr*>(&address_);
  }

  int socket_;
  sockaddr_in address_{};
};

/// Ends with this process, and writes to `log` what it has to say.
[[noreturn]] void become(const std::string& program, const std::vector<std::string>& arguments,
                         const std::string& log) {
  if (::geteuid() == 0
      && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
    ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> all{const_cast<char*>(program.c_str())};
  for (const auto& each : arguments)
    all.push_back(const_cast<char*>(each.c_str()));
  all.push_back(nullptr);
  ::execvp(program.c_str(), all.data());
  ::_exit(127);
}

} // namespace

std::string mariadb_server::program() {
  for (const auto* path : {"/usr/sbin/mariadbd", "/usr/bin/mariadbd", "/usr/local/sbin/mariadbd"})
    if (::access(path, X_OK) == 0)
      return path;
  return {};
}

mariadb_server::mariadb_server() {
  for (const auto* each : {"", "data", "run", "tmp"}) {
    auto path = file(each);
    std::filesystem::create_directories(path);
    if (::geteuid() == 0 && ::chown(path.c_str(), nobody, nobody) != 0)
      throw std::runtime_error(fmt::format("cannot give {} away", path));
  }
  run("mariadb-install-db", {"--auth-root-authentication-method=normal", "--skip-test-db"}, true);
  start();
}

mariadb_server::~mariadb_server() {
  if (pid_ != 0)
    end(SIGKILL);
}

void mariadb_server::run(const std::string& program, std::vector<std::string> arguments,
                         bool waits) {
  // The first must be the first.
  std::vector<std::string> all{"--no-defaults", "--datadir=" + file("data"),
                               "--tmpdir=" + file("tmp")};
  all.insert(all.end(), small_and_quick.begin(), small_and_quick.end());
  all.insert(all.end(), arguments.begin(), arguments.end());
  pid_ = ::fork();
  if (pid_ == 0)
    become(program, all, file("log"));
  if (!waits)
    return;
  int status = 0;
  if (::waitpid(std::exchange(pid_, 0), &status, 0) < 0 || status != 0)
    throw std::runtime_error(fmt::format("{} failed ({})", program, status));
}

void mariadb_server::start(const std::vector<std::string>& arguments) {
  if (port_ == 0)
    port_ = tcp_socket{0}.bound_port();
  std::vector<std::string> all{"--bind-address=127.0.0.1", fmt::format("--port={}", port_),
                               "--socket=" + file("run/socket"), "--pid-file=" + file("run/pid")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::filesystem::remove(file("run/pid"));
  run(program(), all, false);
  auto until = std::chrono::steady_clock::now() + longest_start;
  // It writes the file when it has the port; another one may have it.
  while (!std::filesystem::exists(file("run/pid")) || !tcp_socket{port_}.connects()) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_)
      pid_ = 0;
    if (pid_ == 0 || std::chrono::steady_clock::now() > until)
      throw std::runtime_error("mariadbd does not start: see its log in " + file("log"));
    std::this_thread::sleep_for(5ms);
  }
}

void mariadb_server::end(int signal) {
  // One that has just begun to listen does not hear the first.
  constexpr int looks_between = 40;
  for (int look = 0; ::waitpid(pid_, nullptr, WNOHANG) == 0; ++look) {
    if (look % looks_between == 0)
      ::kill(pid_, signal);
    std::this_thread::sleep_for(5ms);
  }
  pid_ = 0;
}

void mariadb_server::freeze() {
  ::kill(pid_, SIGSTOP);
}

void mariadb_server::go_on() {
  ::kill(pid_, SIGCONT);
}

std::string mariadb_server::url(const std::string& database) const {
  return fmt::format("mysql://root@127.0.0.1:{}/{}", port_, database);
}

} // namespace deployminator::test
