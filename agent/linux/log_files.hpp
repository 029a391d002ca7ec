#pragma once

#include "agent/outside.hpp"

#include <cstdint>
#include <string>

namespace deployminator::agent {

/// Reads what instances print: DIR/ID.log, which programs append to themselves. A file never
/// shrinks and never moves, so an offset means the same for ever; what is too much of it is taken
/// out of its beginning as a hole (`bound_log`), which a piece then begins after.
class log_files : public log_reader {
public:
  explicit log_files(std::string directory);

  messages::result<log_piece> read(const std::string& id, std::uint64_t offset,
                                   std::size_t limit) override;
  messages::result<std::uint64_t> offset_of_last_lines(const std::string& id,
                                                       std::uint32_t lines) override;

private:
  std::string directory_;
};

/// Frees the disk space of the oldest output when the file takes more than `most` bytes of disk, so
/// that half of that is kept. Where the file system cannot do that, the file stays as it is.
void bound_log(const std::string& path, std::uint64_t most);

} // namespace deployminator::agent
