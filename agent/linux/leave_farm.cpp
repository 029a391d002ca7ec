#include "agent/linux/leave_farm.hpp"

#include "agent/linux/journal_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace deployminator::agent {

messages::result<std::string> leave_farm(const directories& where) {
  auto lock = take(where);
  if (!lock)
    return lock.error();
  journal_directory journal{where.journal()};
  auto record = journal.load_agent();
  if (!record)
    return record.error();
  auto ending = record->specs.size() + record->leaving.size();
  std::move(record->specs.begin(), record->specs.end(), std::back_inserter(record->leaving));
  record->specs.clear();
  record->store.clear();
  record->epoch = 0;
  // Where the record was lost, what is left of the old farm would wait for an assignment.
  record->generation = std::max<std::uint64_t>(record->generation, 1);
  if (auto saved = journal.save_agent(*record); !saved)
    return saved.error();
  return fmt::format("This machine belongs to no farm. When autodeployer starts, it ends {} "
                     "instances of the old one, and whatever else it left here, and obeys the next "
                     "server.\n",
                     ending);
}

} // namespace deployminator::agent
