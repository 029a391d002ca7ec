#include "store/open_connection.hpp"

#include "store/error.hpp"
#include "store/mysql_connection.hpp"
#include "store/sqlite_connection.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>

namespace deployminator::store {

namespace {

using messages::failure;
using messages::failure_code;

[[noreturn]] void refuse_password_file(const std::string& path, const std::string& why,
                                       const std::string& hint) {
  throw store_error(failure{failure_code::invalid,
                            fmt::format("the file {} with the store's password {}", path, why),
                            hint});
}

std::string password_in(const std::string& path) {
  if (path.empty())
    return {};
  struct stat known {};
  std::ifstream file{path};
  if (!file || ::stat(path.c_str(), &known) != 0)
    refuse_password_file(path, fmt::format("cannot be read ({})", std::strerror(errno)),
                         "let the server's user read it");
  if ((known.st_mode & S_IROTH) != 0)
    refuse_password_file(path, "can be read by everybody", fmt::format("chmod o= {}", path));
  std::string password;
  if (!std::getline(file, password) || password.empty())
    refuse_password_file(path, "has no first line", "write the password into it");
  return password;
}

} // namespace

std::unique_ptr<connection> open_connection(const std::string& url,
                                            const std::string& password_file,
                                            const mysql_patience& patience) {
  constexpr std::string_view of_sqlite = "sqlite:";
  if (url.starts_with(of_sqlite) && url.size() > of_sqlite.size())
    return open_sqlite(url.substr(of_sqlite.size()));
  if (url.starts_with("mysql:")) {
    auto at = mysql_address_of(url);
    if (!at)
      throw store_error(at.error());
    return open_mysql(*at, password_in(password_file), patience);
  }
  throw store_error(failure{failure_code::invalid,
                            fmt::format("the store \"{}\" is not understood, expected sqlite:PATH "
                                        "or mysql://USER@HOST:PORT/DB",
                                        url),
                            "for example sqlite:/var/lib/deployminator/deployminator.sqlite"});
}

} // namespace deployminator::store
