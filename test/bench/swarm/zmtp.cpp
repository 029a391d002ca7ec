#include "test/bench/swarm/zmtp.hpp"

#include "messages/wire.hpp"

#include <cstdint>

namespace deployminator::bench::zmtp {

namespace {

constexpr std::size_t greeting_bytes = 64;
constexpr std::string_view signature{"\xff\0\0\0\0\0\0\0\1\x7f", 10};

constexpr unsigned char more = 1;
constexpr unsigned char is_long = 2;
constexpr unsigned char is_command = 4;

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i)
    out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string property(std::string_view name, std::string_view value) {
  std::string out{static_cast<char>(name.size())};
  out += name;
  out += big_endian(value.size(), 4);
  out += value;
  return out;
}

} // namespace

std::string greeting() {
  std::string out{signature};
  out += "\3\1NULL";
  out.resize(greeting_bytes);
  return out;
}

std::string ready_command() {
  auto body = std::string{"\5READY"} + property("Socket-Type", "DEALER") + property("Identity", "");
  return std::string{static_cast<char>(is_command), static_cast<char>(body.size())} + body;
}

std::string frame_header(std::size_t size) {
  if (size < 256)
    return {'\0', static_cast<char>(size)};
  return std::string{static_cast<char>(is_long)} + big_endian(size, 8);
}

void reader::append(std::string_view bytes) {
  buffer_.erase(0, used_);
  used_ = 0;
  buffer_ += bytes;
}

std::optional<reader::item> reader::next() {
  if (greeted_)
    return next_frame();
  if (buffer_.size() < greeting_bytes)
    return std::nullopt;
  if (buffer_.front() != signature.front() || buffer_[9] != signature[9])
    return item{};
  greeted_ = true;
  used_ = greeting_bytes;
  return item{item::kind::greeting, {}};
}

std::optional<reader::item> reader::next_frame() {
  std::string_view rest{buffer_};
  rest.remove_prefix(used_);
  if (rest.empty())
    return std::nullopt;
  auto flags = static_cast<unsigned char>(rest.front());
  std::size_t head = flags & is_long ? 9 : 2;
  if (rest.size() < head)
    return std::nullopt;
  std::uint64_t size = 0;
  for (char c : rest.substr(1, head - 1))
    size = size << 8 | static_cast<unsigned char>(c);
  // The server's messages have one frame each.
  if (size > messages::max_message_bytes || flags & more)
    return item{};
  if (rest.size() < head + size)
    return std::nullopt;
  used_ += head + size;
  return item{flags & is_command ? item::kind::command : item::kind::message,
              rest.substr(head, size)};
}

} // namespace deployminator::bench::zmtp
