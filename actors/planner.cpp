#include "actors/planner.hpp"

#include "actors/common/errors.hpp"
#include "deploy-configs/deploy_file.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace deployminator::actors {

namespace {

using namespace std::chrono_literals;
using namespace messages;
using planner_pointer = planner_actor::stateful_pointer<planner_state>;

constexpr auto strategy_timeout = 5s;

// -- reading orders -------------------------------------------------------------------------------

failure mistakes_as_failure(const std::string& file_name,
                            const std::vector<configs::mistake>& mistakes) {
  std::vector<std::string> lines;
  for (const auto& each : mistakes)
    lines.push_back(configs::to_text(file_name, each));
  return {failure_code::invalid, fmt::format("{}", fmt::join(lines, "\n")),
          "`deploy validate` checks a file without a server"};
}

/// No column of the store takes a text that is much longer, and one order would fail the commit in
/// which others wait.
std::optional<failure> too_long(const submit_build& order) {
  constexpr std::size_t longest = 1000;
  const std::pair<const char*, const std::string*> texts[]{{"repository", &order.repository},
                                                           {"artifact_id", &order.artifact_id},
                                                           {"branch", &order.branch},
                                                           {"commit", &order.commit}};
  for (const auto& [name, text] : texts)
    if (text->size() > longest)
      return failure{failure_code::invalid,
                     fmt::format("the build's `{}` has {} bytes; expected {} at most", name,
                                 text->size(), longest),
                     ""};
  return std::nullopt;
}

result<readable_order> read(const submit_build& order) {
  if (auto objection = too_long(order))
    return *objection;
  auto file_name = order.file_name.empty() ? "deploy.yaml" : order.file_name;
  auto file = configs::read_deploy_file(order.file);
  if (const auto* mistakes = std::get_if<1>(&file))
    return mistakes_as_failure(file_name, *mistakes);
  auto built = configs::for_build(std::get<0>(file),
                                  {order.build, order.repository, order.artifact_id, order.sha256});
  if (const auto* mistakes = std::get_if<1>(&built))
    return mistakes_as_failure(file_name, *mistakes);
  build_to_deploy out{order, {}};
  out.order.file.clear();
  for (auto& each : std::get<0>(built))
    out.groups.push_back({each.namespace_, each.name, std::move(each.applications)});
  return readable_order{std::move(out)};
}

template <class Order>
result<readable_order> read(const Order& order) {
  return readable_order{order};
}

// -- asking strategies ----------------------------------------------------------------------------

/// A plan in the making.
struct draft {
  plan_view_ptr view;
  plan content;
  caf::typed_response_promise<plan_ptr> answer;
};

void place_next(planner_pointer self, std::shared_ptr<draft> d);

void note(planner_pointer self, const std::shared_ptr<draft>& d, result<placement> where) {
  const auto& w = d->view->wishes[d->content.applications.size()];
  d->content.applications.push_back({w.namespace_, w.group, w.app, std::move(where), w.kept});
  place_next(self, d);
}

void place_next(planner_pointer self, std::shared_ptr<draft> d) {
  auto done = d->content.applications.size();
  if (done == d->view->wishes.size())
    return static_cast<void>(
      d->answer.deliver(plan_ptr{std::make_shared<const plan>(std::move(d->content))}));
  auto request = next_question(*d->view, d->content.applications);
  if (!request)
    return note(self, d, request.error());
  const auto& name = d->view->wishes[done].app.strategy;
  auto found = self->state.strategies.find(name);
  const auto& strategy = found == self->state.strategies.end() ? self->state.others : found->second;
  self
    ->request(strategy, strategy_timeout, atom::place_v,
              placement_request_ptr{std::make_shared<const placement_request>(std::move(*request))})
    .then([self, d](const placement_ptr& chosen) { note(self, d, *chosen); },
          [self, d](const caf::error& e) { note(self, d, to_failure(e)); });
}

} // namespace

planner_actor::behavior_type planner(planner_actor::stateful_pointer<planner_state> self,
                                     strategies_by_name strategies, strategy_actor others) {
  self->state.strategies = std::move(strategies);
  self->state.others = std::move(others);
  return {
    [](atom::read, const order_ptr& order) -> caf::result<readable_order_ptr> {
      auto out = std::visit([](const auto& each) { return read(each); }, *order);
      if (!out)
        return to_error(out.error());
      return readable_order_ptr{std::make_shared<const readable_order>(std::move(*out))};
    },
    [self](atom::plan, const plan_view_ptr& view) -> caf::result<plan_ptr> {
      auto answer = self->make_response_promise<plan_ptr>();
      auto d = std::make_shared<draft>();
      d->view = view;
      d->content = begin_plan(*view);
      d->answer = answer;
      place_next(self, std::move(d));
      return answer;
    },
  };
}

} // namespace deployminator::actors
