#pragma once

#include "agent/linux/directories.hpp"
#include "agent/linux/discarded_trees.hpp"
#include "agent/linux/owned_fd.hpp"
#include "agent/outside.hpp"

#include <optional>
#include <string>
#include <vector>

namespace deployminator::agent {

/// What is published on this machine. Each path is a symbolic link that leads to the directory of
/// an instance, and is switched by one rename. Below instances/ID/ is `published`: whose the
/// instance is, under which path, and since when. The files of the instance that was found there
/// before lie below published/APPLICATION until the next switch. One call at a time.
class publications {
public:
  /// `root`: below which paths may be; empty: nowhere.
  publications(directories where, std::string root);

  /// Puts in place as the instance's directory what the application published before, where that is
  /// the artifact wanted.
  void reuse(const std::string& id, const publication& what);

  /// Makes the instance's files readable for everybody and the path lead to them; returns since
  /// when. Fails with one sentence, and leaves what is there as it is, where the path is not
  /// allowed or somebody else's, or a link among the files leads out of them.
  messages::result<messages::timestamp> publish(const std::string& id, const publication& what);

  /// Nothing leads to the instance afterwards: the path leads to the newest other one of its
  /// application that was published there and not withdrawn, or is gone.
  void withdraw(const std::string& id);

  /// Whether the instance was published, and not withdrawn since.
  [[nodiscard]] bool has(const std::string& id) const;

  /// Completes what is known of an instance that an earlier agent left.
  void complete(found_instance& found) const;

  /// Removes what an earlier agent was removing.
  void clean_up();

private:
  struct note {
    std::string application;
    std::string path;
    std::string sha256;
    /// Unset: its publication had only begun.
    messages::timestamp since;
  };
  /// A path below the root: the directory that it is in, and its name there.
  struct place {
    owned_fd parent;
    std::string name;
  };

  [[nodiscard]] std::string note_path(const std::string& id) const;
  [[nodiscard]] std::optional<note> note_of(const std::string& id) const;
  [[nodiscard]] messages::result<void> write(const std::string& id, const note& what) const;
  [[nodiscard]] messages::result<std::string> allowed_path(const publication& what) const;
  [[nodiscard]] messages::result<place> find(const std::string& path, bool make) const;
  [[nodiscard]] std::optional<std::string> instance_at(const place& where) const;
  [[nodiscard]] messages::result<void> check_free(const place& where, const note& mine) const;
  [[nodiscard]] messages::result<void> lead(const place& where, const std::string& path,
                                            const std::string& id) const;
  [[nodiscard]] std::optional<std::string> newest_other(const std::string& id,
                                                        const note& mine) const;
  [[nodiscard]] bool is_whole(const std::string& id) const;
  [[nodiscard]] std::string kept_below(const std::string& application) const;
  [[nodiscard]] std::string kept_name(const std::string& sha256) const;
  void keep(const std::string& id, const note& mine);
  void discard_kept(const std::string& application);

  directories where_;
  std::string root_;
  std::string boot_;
  discarded_trees discarded_;
};

} // namespace deployminator::agent
