#pragma once

#include <cstddef>
#include <string_view>

namespace deployminator::agent {

/// What an artifact is, as its first bytes say.
enum class content_kind {
  /// A tar archive, or a zip archive that is no program itself, as a jar is.
  archive,
  /// Compressed with gzip, bzip2, xz or zstd; what is inside tells more.
  compressed,
  /// What a machine or an interpreter runs: ELF, a script with its `#!`, a jar.
  program,
  /// A page of HTML, such as those that ask for a login.
  page,
  /// Nothing at all.
  nothing,
  /// Something else; a program, for all that is known.
  other,
};

/// So many first bytes tell; fewer, where there are not so many.
constexpr std::size_t content_head = 512;

content_kind kind_of_content(std::string_view head);

} // namespace deployminator::agent
