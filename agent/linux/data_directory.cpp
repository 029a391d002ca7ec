#include "agent/linux/data_directory.hpp"

#include "agent/linux/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <unistd.h>

#include <sys/stat.h>

namespace deployminator::agent {

using messages::result;

namespace {

/// Makes the directories above the last part, which everybody may pass and nobody list.
result<void> make_parents(const std::string& all, const std::string& name) {
  for (auto end = std::size_t{0}; end != std::string::npos; end = name.find('/', end + 1)) {
    auto path = end == 0 ? all : all + "/" + name.substr(0, end);
    if (mkdir(path.c_str(), 0711) && errno != EEXIST)
      return file_failure("create the directory", path);
  }
  return {};
}

} // namespace

result<data_directory> make_data_directory(const std::string& all, const std::string& name) {
  data_directory out{all + "/" + name, false};
  struct stat info {};
  if (stat(out.path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return out;
  if (auto made = make_parents(all, name); !made)
    return made.error();
  // It has its name once it has its owner: an agent that is killed between leaves nothing wrong.
  auto last = name.find_last_of('/') + 1;
  auto unfinished = fmt::format("{}/{}.{}.tmp", all, name.substr(0, last), name.substr(last));
  auto owner = static_cast<uid_t>(data_owner);
  if (mkdir(unfinished.c_str(), 0700) && errno != EEXIST)
    return file_failure("create the directory", unfinished);
  if (geteuid() == 0 && lchown(unfinished.c_str(), owner, owner))
    return file_failure("give away the directory", unfinished);
  if (rename(unfinished.c_str(), out.path.c_str()))
    return file_failure("create the directory", out.path);
  out.is_new = true;
  return out;
}

} // namespace deployminator::agent
