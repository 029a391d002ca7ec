#include "agent/machine_key.hpp"

#include "actors/common/logging.hpp"

#include <utility>

namespace deployminator::agent {

machine_key::machine_key(configs::key_file content, bus::io_thread& sockets)
  : file_(std::move(content)), sockets_(sockets) {}

std::string machine_key::learn(const messages::server_key_news& news) {
  auto learned = file_.learn(news);
  const auto& held = file_.content();
  if (learned.is_changed) {
    const auto& next = held.next_server_key;
    sockets_.expect(next ? next->key : "");
    if (next)
      common::log::info("agent knows the server's next key",
                        {{"key", next->key}, {"from", to_text(next->from)}});
    else
      common::log::info("agent's server has taken its next key", {{"key", held.server_key}});
  }
  if (learned.not_written)
    common::log::warning("agent knows another key of the server than its key file, and will not "
                         "after a restart",
                         {{"reason", learned.not_written->message},
                          {"hint", "make the file and its directory writable for the agent"}});
  return file_.next_in_file();
}

} // namespace deployminator::agent
