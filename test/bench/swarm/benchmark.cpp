#include "test/bench/swarm/benchmark.hpp"

#include "test/bench/swarm/broken_farm.hpp"
#include "test/bench/swarm/whole_farm.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <utility>

namespace deployminator::bench {

namespace {

/// What a row finds on the stage.
enum class scene { server_alone, empty_farm, filled_farm };

struct entry {
  const char* name;
  measurement measure;
  scene before;
};

constexpr std::array entries{
  entry{"connect", measure_connect, scene::server_alone},
  entry{"deploy", measure_deploy, scene::empty_farm},
  entry{"roll", measure_deploy, scene::filled_farm},
  entry{"order", measure_orders, scene::filled_farm},
  entry{"join", measure_join, scene::filled_farm},
  entry{"idle", measure_idle, scene::filled_farm},
  entry{"restart", measure_restart, scene::filled_farm},
  entry{"pause", measure_pause, scene::filled_farm},
  entry{"loss", measure_loss, scene::filled_farm},
};

bool is_chosen(const stage& on, const std::string& name) {
  const auto& rows = on.chosen.rows;
  return std::find(rows.begin(), rows.end(), name) != rows.end();
}

/// The row, also where the server let it down: it says why then.
row measured(stage& on, const std::string& name, measurement measure) {
  row r;
  r.name = name;
  on.until = std::chrono::steady_clock::now() + on.chosen.deadline;
  meter m{on.server};
  try {
    if (!on.server.runs())
      on.server.start(on.chosen.deadline);
    measure(on, r, m);
  } catch (const std::exception& e) {
    r.complete = false;
    r.seconds = m.seconds();
    r.more["why"] = e.what();
  }
  if (r.server_anon_mb == 0)
    m.finish(r);
  return r;
}

/// Measures in the order of the entries; what a chosen row needs and was not chosen is done, but
/// not told.
class sequence {
public:
  explicit sequence(stage& on) : on_(on) {}

  row measure(const entry& of) {
    if (of.before >= scene::empty_farm)
      reach(scene::empty_farm);
    if (of.before >= scene::filled_farm)
      reach(scene::filled_farm);
    auto out = measured(on_, of.name, of.measure);
    if (of.measure == measure_connect)
      now_ = scene::empty_farm;
    if (of.measure == measure_deploy)
      now_ = scene::filled_farm;
    return out;
  }

private:
  void reach(scene wanted) {
    bool orders_are_due = wanted == scene::empty_farm && now_ <= wanted && !on_.on_empty_farm
                          && is_chosen(on_, "order");
    if (now_ < wanted && wanted == scene::empty_farm)
      prepare("connect", measure_connect);
    if (now_ < wanted && wanted == scene::filled_farm)
      prepare("deploy", measure_deploy);
    now_ = std::max(now_, wanted);
    if (orders_are_due)
      prepare("order on an empty farm", measure_orders_on_empty_farm);
  }

  void prepare(const char* name, measurement work) {
    if (auto r = measured(on_, name, work); !r.complete)
      std::fprintf(stderr, "swarm: what comes next lacks a complete %s\n", name);
  }

  stage& on_;
  scene now_ = scene::server_alone;
};

} // namespace

std::vector<std::string> row_names() {
  std::vector<std::string> out;
  for (const auto& each : entries)
    out.emplace_back(each.name);
  return out;
}

bool run_benchmark(const options& chosen) {
  stage on{chosen};
  on.server.start(chosen.deadline);
  report out{on.chosen};
  sequence rows{on};
  bool all_complete = true;
  for (const auto& each : entries) {
    if (on.stop.requested() || !is_chosen(on, each.name))
      continue;
    auto r = rows.measure(each);
    out.show(r);
    all_complete &= r.complete;
  }
  return all_complete;
}

} // namespace deployminator::bench
