#pragma once

#include "messages/event.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace deployminator::actors {

/// Which progress of downloads is worth being kept: the first of each, every further quarter of it,
/// and its end. The rest is for those who watch right now.
class progress_record {
public:
  bool is_worth_keeping(const messages::event& e, const messages::download_progress& progress);

private:
  /// Namespace, group, version, machine, artifact.
  using download = std::tuple<std::string, std::string, std::uint64_t, std::string, std::string>;

  /// How many quarters of each were kept.
  std::map<download, std::uint64_t> kept_;
};

} // namespace deployminator::actors
