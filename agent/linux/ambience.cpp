#include "agent/linux/ambience.hpp"

#include <memory>
#include <mutex>
#include <random>

namespace deployminator::agent {

namespace {

struct random_source {
  std::mutex mutex;
  std::mt19937_64 engine;

  double next() {
    std::lock_guard lock{mutex};
    return static_cast<double>(engine() >> 11) * 0x1.0p-53;
  }
};

} // namespace

ambience system_ambience() {
  std::random_device seed;
  std::seed_seq words{seed(), seed(), seed(), seed()};
  auto source = std::make_shared<random_source>();
  source->engine.seed(words);
  return {messages::system_utc_now, [source] { return source->next(); }};
}

} // namespace deployminator::agent
