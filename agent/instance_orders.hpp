#pragma once

#include "messages/application.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

/// What a launcher is told of an instance.
namespace deployminator::agent {

/// Where the files of an instance without a process are found.
struct publication {
  /// Whose they are: `NAMESPACE/GROUP/APPLICATION`, which is also a path; empty: nothing is
  /// published.
  std::string application;
  /// The absolute path that is to lead to them; empty: `application` below the directory that the
  /// machine has for such files.
  std::string path;
  /// Of the artifact.
  std::string sha256;
};

/// An artifact to be laid out as an instance's directory.
struct unpack_order {
  std::string id;
  /// In the cache; empty where the directory is believed to be there already.
  std::string artifact_path;
  /// Tells by its ending whether the artifact should be an archive; what it is, its content says.
  std::string download_url;
  /// Path inside the archive, or the name to give a plain binary; must be executable afterwards,
  /// unless a program of the machine is run instead.
  std::string binary;
  bool runs_binary = true;
  publication published{};
};

/// A program to be run: `binary`, in the instance's directory, or `interpreter`, of the machine.
struct launch_order {
  std::string id;
  std::string binary;
  std::string interpreter;
  /// The binary is a main class for the interpreter, whose class path is every jar in the
  /// instance's directory.
  bool java = false;
  /// The launcher replaces `${HOSTNAME}` and `${DATA}` in them, and in `env`.
  std::vector<std::string> args;
  /// The whole environment but `HOME` and `DATA`, which the launcher adds.
  std::map<std::string, std::string> env;
  messages::resource_limits limits;
  bool discard_log = false;
  /// Its directory that survives builds, as a path below that of all data; empty: it has none.
  std::string data;
  /// It is asked to tell of itself by sd_notify's protocol, and every so often where that is not 0.
  bool notifies = false;
  std::chrono::milliseconds watchdog{0};
  /// Where this is set there is no program: the instance's directory is published, which is told as
  /// the start of a program without a process id.
  publication published{};
};

} // namespace deployminator::agent
