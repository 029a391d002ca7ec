#pragma once

#include "agent/outside.hpp"
#include "deploy-configs/kept_key_file.hpp"
#include "messages/bus/io_thread.hpp"

#include <string>

namespace deployminator::agent {

/// The machine's key file, which follows the server's key, and with it the bus.
class machine_key : public key_keeper {
public:
  /// `sockets` must outlive it.
  machine_key(configs::key_file content, bus::io_thread& sockets);

  std::string learn(const messages::server_key_news& news) override;

private:
  configs::kept_key_file file_;
  bus::io_thread& sockets_;
};

} // namespace deployminator::agent
