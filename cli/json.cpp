#include "cli/json.hpp"

namespace deployminator::cli {

json error_json(const messages::failure& why) {
  return {{"error", to_json(why)}};
}

std::string one_line(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string indented(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace deployminator::cli
