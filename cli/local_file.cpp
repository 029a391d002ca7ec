#include "cli/local_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace deployminator::cli {

namespace {

/// More than any deploy.yaml needs, less than fits in one message.
constexpr std::size_t max_file_bytes = 1 << 20;

setback unreadable(const std::string& file_name, const std::string& reason) {
  return {exit_code::usage,
          {messages::failure_code::invalid, file_name + ": cannot be read: " + reason,
           "name a file that you may read"}};
}

} // namespace

std::string read_text(const std::string& file_name) {
  std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen(file_name.c_str(), "rbe"), std::fclose};
  if (!file)
    throw unreadable(file_name, std::strerror(errno));
  std::string out(max_file_bytes + 1, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    throw unreadable(file_name, std::strerror(errno));
  if (out.size() > max_file_bytes)
    throw unreadable(file_name, "it is larger than " + bytes_text(max_file_bytes));
  return out;
}

void remark_mistakes(const std::string& file_name, const std::vector<configs::mistake>& list) {
  for (const auto& each : list)
    remark(printable(configs::to_text(file_name, each)));
}

json mistakes_json(const std::string& file_name, const std::vector<configs::mistake>& list) {
  auto out = json::array();
  for (const auto& each : list)
    out.push_back({{"file", file_name},
                   {"line", each.line},
                   {"column", each.column},
                   {"message", each.message}});
  return out;
}

} // namespace deployminator::cli
