#include "test/bench/swarm/phrasebook.hpp"

#include "messages/codec.hpp"

#include <utility>
#include <variant>

namespace deployminator::bench {

const messages::envelope* phrasebook::read(std::string_view bytes) {
  if (bytes == heard_bytes_)
    return &heard_;
  auto decoded = messages::decode(bytes);
  if (!decoded)
    return nullptr;
  if (std::holds_alternative<messages::heartbeat>(decoded->body)) {
    heard_bytes_ = bytes;
    heard_ = std::move(*decoded);
    return &heard_;
  }
  other_ = std::move(*decoded);
  return &*other_;
}

const std::string& phrasebook::heartbeat(std::uint64_t epoch, bool calm) {
  if (said_[0].empty() || epoch != epoch_)
    said_ = {messages::encode({0, epoch, messages::heartbeat{}}),
             messages::encode({0, epoch, messages::heartbeat{.time = {}, .calm = true}})};
  epoch_ = epoch;
  return said_[calm ? 1 : 0];
}

} // namespace deployminator::bench
