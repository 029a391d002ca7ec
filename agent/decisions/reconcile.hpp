#pragma once

#include "agent/decisions/instance.hpp"

#include <string>
#include <vector>

namespace deployminator::agent {

/// In the order in which a machine begins with them: those that are critical first.
std::vector<spec_ptr> in_order(const spec_map& specs);

/// What brings the instances in line with the assignment.
struct reconciliation {
  /// Not there yet, in the order in which a machine begins with them.
  std::vector<spec_ptr> spawn;
  /// There, but with another order.
  std::vector<spec_ptr> update;
  /// There, but not wanted.
  std::vector<std::string> stop;
};

/// Compares what is wanted with the instances there are and their last orders (goal `stop`: on its
/// way out). One that is on its way out and wanted again is left alone until it is gone.
reconciliation reconcile(const spec_map& wanted, const spec_map& existing);

} // namespace deployminator::agent
