#include "messages/bus/zap_handler.hpp"

#include <array>
#include <utility>
#include <vector>

namespace deployminator::bus {

namespace {

constexpr auto zap_address = "inproc://zeromq.zap.01";

/// The frames of a question (RFC 27).
enum question_frame { version, request_id, domain, address, identity, mechanism, credentials };

/// ZAP's numbers. Of a refusal the client learns but the number; the last one is free for us, as a
/// handler of ours never fails.
constexpr auto welcome = "200";
constexpr auto unknown_key = "400";
constexpr auto revoked_key = "500";

std::string as_text(const std::string& binary_key) {
  std::array<char, 41> out{};
  if (binary_key.size() != 32)
    return {};
  zmq_z85_encode(out.data(), reinterpret_cast<const std::uint8_t*>(binary_key.data()),
                 binary_key.size());
  return out.data();
}

std::vector<std::string> next_question(zmq::socket_t& from) {
  std::vector<std::string> out;
  try {
    zmq::message_t frame;
    do {
      if (!from.recv(frame, zmq::recv_flags::dontwait))
        return {};
      out.push_back(frame.to_string());
    } while (frame.more());
  } catch (const zmq::error_t&) {
    return {};
  }
  return out;
}

void send_all(zmq::socket_t& to, const std::array<std::string, 6>& frames) {
  try {
    for (std::size_t i = 0; i < frames.size(); ++i)
      to.send(zmq::buffer(frames[i]),
              i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  } catch (const zmq::error_t&) {
    // The handshake was given up meanwhile.
  }
}

} // namespace

zap_handler::zap_handler(zmq::context_t& context) : questions_(context, zmq::socket_type::rep) {
  questions_.set(zmq::sockopt::linger, 0);
  questions_.bind(zap_address);
}

void zap_handler::trust(trusted_keys who) {
  known_ = std::move(who);
}

const key_rights* zap_handler::rights_of(const std::string& public_key) const {
  if (!known_)
    return nullptr;
  auto found = known_->find(public_key);
  return found == known_->end() ? nullptr : &found->second;
}

bool zap_handler::allows(const std::string& public_key, socket_kind kind) const {
  const auto* rights = rights_of(public_key);
  if (!rights || rights->is_revoked)
    return false;
  switch (kind) {
    case socket_kind::events_server:
      return rights->watches;
    case socket_kind::progress_server:
      return rights->is_agent;
    default:
      return true;
  }
}

std::string zap_handler::status_for(const std::string& public_key,
                                    const std::string& domain) const {
  if (const auto* rights = rights_of(public_key); rights && rights->is_revoked)
    return revoked_key;
  for (auto kind :
       {socket_kind::orders_server, socket_kind::events_server, socket_kind::progress_server})
    if (domain == zap_domain_of(kind) && allows(public_key, kind))
      return welcome;
  return unknown_key;
}

void zap_handler::answer_all() {
  for (;;) {
    auto question = next_question(questions_);
    if (question.empty())
      return;
    question.resize(credentials + 1);
    auto key = question[mechanism] == "CURVE" ? as_text(question[credentials]) : std::string{};
    auto status = status_for(key, question[domain]);
    send_all(questions_,
             {"1.0", question[request_id], status, "", status == welcome ? key : "", ""});
  }
}

const char* zap_domain_of(socket_kind kind) {
  switch (kind) {
    case socket_kind::events_server:
      return "events";
    case socket_kind::progress_server:
      return "progress";
    default:
      return "orders";
  }
}

} // namespace deployminator::bus
