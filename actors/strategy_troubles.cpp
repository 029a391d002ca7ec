#include "actors/strategy_troubles.hpp"

#include "actors/decisions/groups.hpp"

#include <algorithm>

namespace deployminator::actors {

using namespace messages;

namespace {

bool is_used(const farm& f, const std::string& strategy) {
  return std::ranges::any_of(f.groups, [&](const auto& each) {
    const auto* deployed = deployed_version(f, each.second);
    return deployed && std::ranges::any_of(deployed->applications, [&](const application& app) {
             return app.strategy == strategy;
           });
  });
}

void end_trouble(deployminator_pointer self, const std::string& strategy) {
  auto ended = self->state.strategy_troubles.extract(strategy);
  if (ended)
    tell_trouble(self, ended.mapped(), true);
}

} // namespace

void note_strategy(deployminator_pointer self, const std::string& strategy,
                   const std::string& why) {
  auto& state = self->state;
  end_trouble(self, strategy);
  if (why.empty())
    return state.listeners.want_upkeep(self, state.queue.farm(),
                                       "strategy " + strategy + " places again");
  const auto& trouble = state.strategy_troubles[strategy]
    = {why, state.config.utc_now(),
       "see to the process that offers it; until it places again what runs stays where it is, and "
       "new versions go where the former ones are"};
  tell_trouble(self, trouble, false);
}

void forget_unused_strategies(deployminator_pointer self, const farm& f) {
  std::vector<std::string> unused;
  for (const auto& [strategy, trouble] : self->state.strategy_troubles)
    if (!is_used(f, strategy))
      unused.push_back(strategy);
  for (const auto& each : unused)
    end_trouble(self, each);
}

} // namespace deployminator::actors
