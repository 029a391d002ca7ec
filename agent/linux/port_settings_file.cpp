#include "agent/linux/port_settings_file.hpp"

#include "agent/linux/files.hpp"
#include "deploy-configs/settings.hpp"

#include <fmt/format.h>

#include <utility>

namespace deployminator::agent {

using messages::failure;
using messages::failure_code;
using messages::result;

port_settings_file::port_settings_file(std::string path) : path_(std::move(path)) {}

result<std::string> port_settings_file::content() {
  auto text = read_file(path_);
  was_there_ = was_there_ || text;
  if (text || text.error().code != failure_code::not_found)
    return text;
  if (!was_there_)
    return std::string{};
  return failure{failure_code::not_found,
                 fmt::format("{}: the config file is gone; expected it, without `applications` if "
                             "there are no public ports any more",
                             path_),
                 {}};
}

std::optional<result<port_settings::entries>> port_settings_file::news() {
  auto text = content();
  auto now = text ? *text : text.error().message;
  if (told_ == now) {
    new_.reset();
    return std::nullopt;
  }
  if (told_ && std::exchange(new_, now) != now)
    return std::nullopt;
  told_ = std::move(now);
  new_.reset();
  if (!text)
    return text.error();
  return configs::public_ports_in(*text, path_);
}

} // namespace deployminator::agent
