#include "test/bench/swarm/row.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include <sys/resource.h>

namespace deployminator::bench {

namespace {

using json = nlohmann::ordered_json;

constexpr auto line_format = "{:8} {:>10} {:>10} {:>13} {:>12} {:>15}  {}\n";

double own_cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Without digits that mean nothing.
double rounded(double value) {
  return std::round(value * 1e5) / 1e5;
}

std::optional<double> rate_of(const row& r) {
  if (!r.complete || !r.done || r.seconds <= 0)
    return std::nullopt;
  return static_cast<double>(*r.done) / r.seconds;
}

std::string text_of(const json& value) {
  return value.is_number_float() ? fmt::format("{:.4g}", value.get<double>()) : value.dump();
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

} // namespace

meter::meter(const server_process& server) : server_(server) {
  begin();
}

void meter::begin() {
  server_before_ = server_.cpu_seconds();
  own_before_ = own_cpu_seconds();
  begin_ = std::chrono::steady_clock::now();
}

void meter::server_is_new() {
  server_before_ = 0;
}

double meter::seconds() const {
  return seconds_to(std::chrono::steady_clock::now());
}

double meter::seconds_to(std::chrono::steady_clock::time_point then) const {
  return std::chrono::duration<double>(then - begin_).count();
}

void meter::finish(row& r) const {
  r.server_cpu_seconds = server_.cpu_seconds() - server_before_;
  r.swarm_cpu_seconds = own_cpu_seconds() - own_before_;
  r.server_anon_mb = server_.anon_mb();
}

report::report(const options& of) : options_(of) {
  if (!of.json)
    print(
      fmt::format("{} machines, {} instances, {} groups\n", of.machines, of.instances, of.groups)
      + fmt::format(line_format, "row", "seconds", "per second", "server CPU s", "swarm CPU s",
                    "server anon MB", "more"));
}

void report::show(const row& r) const {
  if (options_.json)
    show_json(r);
  else
    show_line(r);
}

void report::show_json(const row& r) const {
  auto rate = rate_of(r);
  json out{{"row", r.name},
           {"machines", options_.machines},
           {"instances", options_.instances},
           {"groups", options_.groups},
           {"seconds", rounded(r.seconds)},
           {"per_second", rate ? json(rounded(*rate)) : json()},
           {"server_cpu_seconds", rounded(r.server_cpu_seconds)},
           {"server_anon_mb", rounded(r.server_anon_mb)},
           {"swarm_cpu_seconds", rounded(r.swarm_cpu_seconds)},
           {"complete", r.complete}};
  out.update(r.more);
  print(out.dump() + "\n");
}

void report::show_line(const row& r) const {
  auto rate = rate_of(r);
  std::string more = r.complete ? "" : "NOT COMPLETE  ";
  for (const auto& [key, value] : r.more.items())
    more += fmt::format("{} {}  ", key, text_of(value));
  print(fmt::format(
    line_format, r.name, fmt::format("{:.3f}", r.seconds), rate ? fmt::format("{:.1f}", *rate) : "",
    fmt::format("{:.2f}", r.server_cpu_seconds), fmt::format("{:.2f}", r.swarm_cpu_seconds),
    fmt::format("{:.1f}", r.server_anon_mb), more));
}

} // namespace deployminator::bench
