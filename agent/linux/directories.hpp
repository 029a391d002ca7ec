#pragma once

#include "agent/linux/owned_fd.hpp"
#include "messages/result.hpp"

#include <string>

namespace deployminator::agent {

/// Where an agent keeps things, absolute paths.
struct directories {
  /// The journal, the lock of the agent itself, what is unpacked, and `instances/ID/` for each
  /// instance.
  std::string lib;
  /// Artifacts, named by their SHA-256.
  std::string cache;
  /// ID.log for each instance, also for those that were (log_files.hpp).
  std::string log;
  std::string run;

  std::string instances() const {
    return lib + "/instances";
  }
  /// Artifacts that were unpacked for several instances (unpacked_trees.hpp).
  std::string trees() const {
    return lib + "/trees";
  }
  /// What applications keep from build to build (data_directory.hpp).
  std::string data() const {
    return lib + "/data";
  }
  std::string journal() const {
    return lib + "/journal";
  }
  std::string instance(const std::string& id) const {
    return instances() + "/" + id;
  }
  /// Where an instance's artifact is laid out: its working directory and `HOME`.
  std::string home(const std::string& id) const {
    return instance(id) + "/home";
  }
  std::string log_of(const std::string& id) const {
    return log + "/" + id + ".log";
  }
};

/// Whether it can be an instance's id: `[a-z0-9-]`, at most 64. Files are named by them, so
/// whatever comes from elsewhere is asked this.
bool is_instance_id(const std::string& id);

/// The directories below `root`, or the system's where it is empty.
directories directories_below(const std::string& root);

/// What keeps every other agent from the same directories, until it is closed: the file `lock`, and
/// the directory `lib` itself, since that file may be removed.
struct directories_lock {
  owned_fd file;
  owned_fd lib;
};

/// Makes the directories that are missing and takes them for this process; a second agent on the
/// same directories is refused, in words.
messages::result<directories_lock> take(const directories& where);

/// The programs the agent runs besides the instances'.
struct helper_programs {
  std::string starter;
  std::string unpack;
};

/// Finds them beside this program, else in ../libexec/autodeployer/.
messages::result<helper_programs> find_helper_programs();

} // namespace deployminator::agent
