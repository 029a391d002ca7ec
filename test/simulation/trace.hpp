#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "simulation/timeline.hpp"

namespace deployminator::simulation {

/// A promise that was not kept.
struct violation {
  moment when{0};
  /// Which promise, a few words that stay the same from seed to seed.
  std::string rule;
  std::string what;
};

/// What happened: a hash of everything, so that two runs can be compared, and lines for people
/// where somebody wants them. Also the place where broken promises are told; the first counts.
class trace {
public:
  /// Gets the lines as they come.
  using reader = std::function<void(const std::string& line)>;

  explicit trace(const timeline& clock, reader lines = {});

  [[nodiscard]] bool has_reader() const {
    return static_cast<bool>(lines_);
  }

  /// `who` did `what`; goes into the hash.
  void tell(std::string_view who, std::string_view what);

  /// Whose actors run now, for what they log.
  void speaker(std::string_view who) {
    speaker_ = who;
  }
  [[nodiscard]] const std::string& speaker() const {
    return speaker_;
  }

  /// Goes into the hash, without a line.
  void mix(std::string_view bytes);

  void break_promise(std::string rule, std::string what);

  [[nodiscard]] const std::optional<violation>& broken() const {
    return broken_;
  }
  [[nodiscard]] std::uint64_t hash() const {
    return hash_;
  }

private:
  const timeline& clock_;
  reader lines_;
  std::string speaker_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::optional<violation> broken_;
};

} // namespace deployminator::simulation
