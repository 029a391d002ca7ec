#pragma once

#include "messages/machine_trouble.hpp"

#include <map>
#include <vector>

namespace deployminator::agent {

using troubles = std::vector<messages::machine_trouble>;

/// What to do where the agent cannot write.
inline constexpr auto how_to_mend_writing
  = "see that there is space and that it may write there; it tries again every second";

/// The parts of the agent that find something wrong with its machine.
enum class trouble_source { storage, record, public_ports, clock };

/// All that is wrong with the machine.
class trouble_book {
public:
  enum class news { none, changed, some_ended };

  /// What the source finds wrong now is just this; it has no `since` yet.
  news set(trouble_source from, troubles found, messages::timestamp now);

  [[nodiscard]] troubles list() const;

private:
  std::map<trouble_source, troubles> known_;
};

} // namespace deployminator::agent
