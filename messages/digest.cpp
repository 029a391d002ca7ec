#include "messages/digest.hpp"

#include <fmt/format.h>

namespace deployminator::messages {

namespace {

std::string optional_text(timestamp t) {
  return t ? to_text(t) : std::string{};
}

} // namespace

void text_digest::mix(unsigned char byte) {
  hash_ = (hash_ ^ byte) * 1099511628211U;
}

text_digest& text_digest::add(std::string_view field) {
  for (char each : field)
    mix(static_cast<unsigned char>(each));
  mix(0);
  return *this;
}

text_digest& text_digest::add(std::uint64_t number) {
  return add(fmt::format_int{number}.c_str());
}

std::uint64_t digest_of_entry(const std::string& id, std::uint64_t revision) {
  return text_digest{}.add(id).add(revision).value();
}

std::uint64_t digest_of(const observation& seen) {
  return text_digest{}
    .add(seen.id)
    .add(to_text(seen.state))
    .add(seen.fetched ? "true" : "false")
    .add(seen.sha256)
    .add(std::to_string(seen.pid))
    .add(std::to_string(seen.uid))
    .add(fmt::format("{}", fmt::join(seen.ports, ",")))
    .add(seen.restarts)
    .add(optional_text(seen.started_at))
    .add(optional_text(seen.ready_at))
    .add(seen.exit ? std::to_string(*seen.exit) : std::string{})
    .add(seen.reason)
    .add(seen.output)
    .value();
}

std::uint64_t digest_of(const std::vector<instance_spec>& specs) {
  std::uint64_t sum = 0;
  for (const auto& each : specs)
    sum += digest_of_entry(each.id, each.revision);
  return sum;
}

std::uint64_t digest_of(const std::vector<observation>& observations) {
  std::uint64_t sum = 0;
  for (const auto& each : observations)
    sum += digest_of(each);
  return sum;
}

} // namespace deployminator::messages
