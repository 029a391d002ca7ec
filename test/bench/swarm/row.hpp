#pragma once

#include "test/bench/swarm/options.hpp"
#include "test/bench/swarm/server_process.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace deployminator::bench {

/// What one row of the benchmark found.
struct row {
  std::string name;
  /// It got to its end before the deadline.
  bool complete = false;
  double seconds = 0;
  /// How many of what the row is about; nothing where it is about no number.
  std::optional<std::uint64_t> done;
  double server_cpu_seconds = 0;
  double swarm_cpu_seconds = 0;
  double server_anon_mb = 0;
  /// What only this row has to tell.
  nlohmann::ordered_json more = nlohmann::ordered_json::object();
};

/// What a row uses, from its beginning on: when the meter is made, or told to begin.
class meter {
public:
  explicit meter(const server_process& server);

  void begin();

  /// The server is a new process, whose processor time counts from its start.
  void server_is_new();

  double seconds() const;
  /// From its beginning to then.
  double seconds_to(std::chrono::steady_clock::time_point then) const;

  /// Fills in what was used.
  void finish(row& r) const;

private:
  const server_process& server_;
  std::chrono::steady_clock::time_point begin_;
  double server_before_ = 0;
  double own_before_ = 0;
};

/// Prints the rows as they come.
class report {
public:
  explicit report(const options& of);

  void show(const row& r) const;

private:
  void show_json(const row& r) const;
  void show_line(const row& r) const;

  const options& options_;
};

} // namespace deployminator::bench
