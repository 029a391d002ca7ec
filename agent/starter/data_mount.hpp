#pragma once

namespace deployminator::agent::starter {

/// The data of an instance, which survives builds.
struct data_mount {
  /// Null: it has none.
  const char* path = nullptr;
  /// The user that owns it on disk.
  long owner = -1;
};

/// The data that the environment names, which is taken out of it.
data_mount take_data();

/// What the owner has below the path as that of user `uid`, by an idmapped mount that nobody sees
/// yet; files that `uid` makes there are the owner's on disk. Its errno negative.
int open_mapped(const data_mount& data, long uid);

} // namespace deployminator::agent::starter
