#include "test/bench/swarm/server_process.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace deployminator::bench {

namespace {

constexpr std::chrono::milliseconds look_interval{5};

/// Below those that the kernel gives to connections: the server must get its own back after a
/// restart.
constexpr int first_port = 20'000;
constexpr int last_port = 32'000;

bool is_free(std::uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return bound;
}

std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> out;
  for (int port = first_port + getpid() % 8'000; port < last_port && out.size() < count; ++port)
    if (is_free(static_cast<std::uint16_t>(port)))
      out.push_back(static_cast<std::uint16_t>(port));
  if (out.size() < count)
    throw std::runtime_error("no free ports between 20000 and 32000");
  return out;
}

std::filesystem::path new_directory() {
  auto name = (std::filesystem::temp_directory_path() / "swarm-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "cannot make a directory like " + name);
  return name;
}

[[noreturn]] void become(const std::vector<std::string>& arguments, int output) {
  // It must not outlive a benchmark that was killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& each : arguments)
    words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  ::execv(words.front(), words.data());
  ::_exit(127);
}

std::string content_of(const std::filesystem::path& file, std::uintmax_t from = 0) {
  std::ifstream in{file};
  in.seekg(static_cast<std::streamoff>(from));
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

server_process::server_process(std::filesystem::path program)
  : program_(std::move(program)), directory_(new_directory()), ports_(free_ports(3)) {
  if (!std::filesystem::exists(program_))
    throw std::runtime_error(fmt::format("there is no program {}", program_.string()));
}

server_process::~server_process() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void server_process::start(std::chrono::seconds timeout) {
  int output = ::open(log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  auto begin = std::filesystem::file_size(log());
  auto words = arguments();
  pid_ = ::fork();
  if (pid_ == 0)
    become(words, output);
  ::close(output);
  if (pid_ < 0)
    throw std::system_error(errno, std::generic_category(), "fork");
  auto until = std::chrono::steady_clock::now() + timeout;
  while (content_of(log(), begin).find("deployminator serves") == std::string::npos) {
    if (!runs())
      throw std::runtime_error("the server ended: " + content_of(log(), begin));
    if (std::chrono::steady_clock::now() >= until)
      throw std::runtime_error(
        fmt::format("the server does not serve after {} s", timeout.count()));
    std::this_thread::sleep_for(look_interval);
  }
}

bool server_process::runs() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_)
    pid_ = 0;
  return pid_ > 0;
}

void server_process::kill() {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void server_process::pause() {
  if (pid_ > 0)
    ::kill(pid_, SIGSTOP);
}

void server_process::go_on() {
  if (pid_ > 0)
    ::kill(pid_, SIGCONT);
}

double server_process::cpu_seconds() const {
  auto text = content_of(fmt::format("/proc/{}/stat", pid_));
  auto after_name = text.find_last_of(')');
  if (after_name == std::string::npos)
    return 0;
  // The 14th and 15th word; the 2nd one is the name.
  std::istringstream words{text.substr(after_name + 1)};
  std::string skipped;
  for (int i = 3; i < 14; ++i)
    words >> skipped;
  double user = 0;
  double system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double server_process::anon_mb() const {
  std::ifstream in{fmt::format("/proc/{}/status", pid_)};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:"))
      return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1000;
  return 0;
}

std::uint16_t server_process::port() const {
  return ports_.front();
}

std::string server_process::endpoint() const {
  return fmt::format("tcp://127.0.0.1:{}", port());
}

std::vector<std::string> server_process::arguments() const {
  auto at = [&](std::size_t n) { return fmt::format("tcp://127.0.0.1:{}", ports_[n]); };
  return {program_.string(),
          "--keys",
          "none",
          "--store",
          "sqlite:" + (directory_ / "deployminator.sqlite").string(),
          "--listen",
          at(0),
          "--publish",
          at(1),
          "--collect",
          at(2)};
}

std::filesystem::path server_process::log() const {
  return directory_ / "server.log";
}

} // namespace deployminator::bench
