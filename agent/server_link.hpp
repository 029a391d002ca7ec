#pragma once

#include "agent/interfaces.hpp"
#include "messages/bus/session.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What a link to servers needs.
struct link_config {
  /// Tried in turn; at least one.
  std::vector<std::string> servers;
  common::gateway_actor gateway;
  /// Keeps what the server says of its keys.
  journal_actor journal;
  /// Publishes progress, over the socket that is opened for it.
  fetcher_actor fetcher;
  /// Who the AGENT is and what it has, as of now; asked for every hello.
  std::function<messages::agent_introduction()> introduce;
  /// Uniform in [0, 1).
  std::function<double()> random;
};

/// What the session means for the AGENT.
struct link_news {
  /// It is over; what was asked in it may never be answered.
  bool lost = false;
  /// The message that arrived is for the AGENT.
  bool is_message = false;
};

/// The AGENT's connection to its server: the session and its sockets. Belongs to the AGENT, which
/// hands it what comes over the gateway and its ticks.
class server_link {
public:
  /// `self`: the AGENT.
  server_link(agent_actor::pointer self, link_config config);
  server_link(const server_link&) = delete;
  server_link& operator=(const server_link&) = delete;

  /// Calls the first server. `epoch`: the highest of a server ever seen. `store`: the id of the
  /// store that is obeyed; empty: none yet. Once.
  void connect(std::uint64_t epoch, const std::string& store);

  /// `connect` was called.
  [[nodiscard]] bool is_begun() const {
    return begun_;
  }

  /// The highest epoch of a server seen.
  [[nodiscard]] std::uint64_t epoch() const {
    return session_.epoch();
  }

  /// The id of the store that is obeyed.
  [[nodiscard]] std::string store() const {
    return session_.store();
  }

  /// Sends a message to the server; it is lost where there is no connection. `id`: of the request
  /// it answers.
  void send(messages::message body, std::uint64_t id = 0);

  /// Has progress published to `endpoint`; empty: nowhere but where it was before.
  void publish_to(const std::string& endpoint);

  /// Something came in over a socket of the gateway.
  link_news arrived(const common::received& in);

  /// The tick of this number is due.
  link_news wake(std::uint64_t number);

private:
  void carry_out(const bus::client_step& step);
  void tell(bus::handshake_failure why);
  void reopen();
  void say_hello();
  void learn(const messages::welcome& said, const std::string& proven_key);
  void schedule();
  void attach_progress(bus::socket_id socket);

  agent_actor::pointer self_;
  link_config config_;
  bool begun_ = false;
  std::size_t next_server_ = 0;
  /// The server that is being talked to.
  std::string server_;
  /// Why the last handshake failed, as the log has it.
  std::optional<bus::handshake_failure> told_failure_;
  /// The log has it that a server stands by, since the last session.
  bool told_standby_ = false;
  bus::client_session session_;
  /// The server's next key, as the machine's key file has it; empty: none.
  std::string next_server_key_;
  /// 0: none is open yet.
  bus::socket_id orders_ = 0;
  bus::socket_id progress_ = 0;
  /// Where `progress_` leads.
  std::string collect_;
  /// Counts the sockets asked for: the answer to an older request is not wanted any more.
  std::uint64_t attempt_ = 0;
  /// When the session wakes, and the number of that tick.
  std::optional<bus::time_point> wake_;
  std::uint64_t tick_ = 0;
};

} // namespace deployminator::agent
